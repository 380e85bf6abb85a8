/** What a tired engineer would do, one at a time: a text that stands once in a file, and what it becomes. */
export interface Planted {
  readonly fault: string
  readonly file: string
  readonly from: string
  readonly to: string
}

export const planted: ReadonlyArray<Planted> = [
  {
    fault: "the writer acknowledges what it could not decode",
    file: "src/services/event-writer/StreamSettlement.ts",
    from:
      "    const why = yield* keep(delivery, failure)\n    if (why !== \"\") return yield* unkept(delivery, processor, failure, why)\n    delivery.term()",
    to: "    delivery.ack()"
  },
  {
    fault: "a heartbeat to core counts as a report of what waits",
    file: "src/services/poller/CoreReporter.ts",
    from: "    const isWaiting = yield* Effect.timeoutOption(hasWaiting.await, reported.pollInterval)",
    to: "    const isWaiting = Option.none<void>()\n    yield* Effect.sleep(reported.pollInterval)"
  },
  {
    fault: "the writer gives a message up before its dead letter is kept",
    file: "src/services/event-writer/StreamSettlement.ts",
    from: "    const why = yield* keep(delivery, failure)\n    if (why !== \"\") return yield* unkept",
    to:
      "    delivery.term()\n    const why = yield* keep(delivery, failure)\n    if (why !== \"\") return yield* unkept"
  },
  {
    fault: "ids of rows are not the same at the next delivery",
    file: "src/layers/events/decode/RowIds.ts",
    from: "IngestId.make(message.stream, message.sequence, message.storedAtMicros)",
    to: "IngestId.make(message.stream, Math.floor(Math.random() * 2 ** 30), message.storedAtMicros)"
  },
  {
    fault: "the reporter settles before core has acknowledged",
    file: "src/services/poller/CoreReporter.ts",
    from:
      "      const delivered = yield* delivery.deliverParts(statuses, to)\n      if (delivered._tag === \"Away\") return false",
    to: "      const delivered = yield* delivery.deliverParts(statuses, to)\n" +
      "      if (delivered._tag === \"Away\") {\n        yield* buffer.settle\n        return false\n      }"
  },
  {
    fault: "a report that was in flight goes under another time",
    file: "src/services/poller/CoreReporter.ts",
    from: "    const to = yield* header(newest, form === \"parts\" ? id : \"\")",
    to: "    const to = yield* header(yield* Clock.currentTimeMillis, form === \"parts\" ? id : \"\")"
  },
  {
    fault: "core says received before it has stored",
    file: "src/layers/core/PollerServiceHandlers.ts",
    from: "    Effect.mapError(toStatus),\n    Effect.as({ received: true })",
    to: "    Effect.mapError(toStatus),\n    Effect.forkDetach,\n    Effect.as({ received: true })"
  },
  {
    fault: "a check that took longer than its interval is not asked again",
    file: "src/services/poller/CheckLoops.ts",
    from: "    loop.dueMillis = now + waitMillis\n",
    to: "    loop.dueMillis = now + waitMillis + (missed > 0 ? 3_600_000 : 0)\n"
  },
  {
    fault: "a lost connection is not sought again",
    file: "src/services/poller/ConnectionManager.ts",
    from: "    Effect.retry(betweenProbes),",
    to: "    Effect.catch(() => Effect.never),"
  },
  {
    fault: "timers of checks follow the time of day",
    file: "src/services/clock/Monotonic.ts",
    from: "Number(clock.monotonicTimeNanosUnsafe() / 1_000n) / 1_000",
    to: "clock.currentTimeMillisUnsafe()"
  },
  {
    fault: "the breaker of the database never closes",
    file: "src/services/event-writer/DatabaseHealth.ts",
    from: "        return yield* recovered\n",
    to: "        return yield* wasUp ? Effect.never : recovered\n"
  },
  {
    fault: "the circuit of an agent never closes",
    file: "src/domain/breaker/Circuit.ts",
    from: "      return halfOpen(circuit, nowMillis)\n",
    to: "      return { _tag: \"half_open\" }\n"
  },
  {
    fault: "what is in flight is not on the disk before it is sent",
    file: "src/layers/poller/buffer/disk/Taking.ts",
    from: "    if (yield* isDecided(state)) keepApart(state)\n",
    to: ""
  },
  {
    fault: "what a process before left is forgotten",
    file: "src/layers/poller/buffer/disk/Opening.ts",
    from: "      queue.cursor = mark.settled\n",
    to: "      queue.cursor = opened.last()\n"
  },
  {
    fault: "a batch goes in another order than it came",
    file: "src/layers/poller/buffer/disk/Taking.ts",
    from: "statuses: front.inFlight.map(({ value }) => value.one) })",
    to: "statuses: front.inFlight.map(({ value }) => value.one).toReversed() })"
  },
  {
    fault: "core that is away counts as one that refuses",
    file: "src/layers/poller/GrpcCoreClient.ts",
    from: "        return new CoreAway({ detail: `${error._tag}: ${detail}` })",
    to: "        return new ReportRejected({ detail: `${error._tag}: ${detail}` })"
  },
  {
    fault: "a report without an answer counts as taken",
    file: "src/layers/poller/GrpcCoreClient.ts",
    from: "        Effect.mapError((error) => toCoreError(address, error)),\n        Effect.filterOrFail(",
    to: "        Effect.catchTag(\"Unavailable\", () => Effect.succeed({ received: true })),\n" +
      "        Effect.mapError((error) => toCoreError(address, error)),\n        Effect.filterOrFail("
  },
  {
    fault: "a batch of the writer is given up when it is tried for the second time",
    file: "src/services/event-writer/StreamStore.ts",
    from: "      pending = [...written.retry.map(({ message }) => message), ...rest]\n",
    to: "      pending = rest\n      for (const { message } of written.retry) verdicts.set(message, Result.void)\n"
  },
  {
    fault: "a reading of a source that was cut off counts as whole",
    file: "src/services/sync/SourceRun.ts",
    from: "    const problem = Paging.settle(came, total)\n",
    to: "    const problem = Paging.settle(came, undefined)\n"
  },
  {
    fault: "an object is taken to be in the store without a look",
    file: "src/services/sync/KvWriter.ts",
    from: "  const found = yield* store.stat(objectKey)\n",
    to: "  const found = Option.some({ bytes: document.bytes, sha256: document.sha256, chunks: 1 })\n"
  },
  {
    fault: "those who keep a copy are not told what is gone",
    file: "src/layers/sync/DeltaChunks.ts",
    from: "    Stream.map(changes.value, (batch) => batch.map(elementOf))",
    to: "    Stream.map(changes.value, (batch) => batch.filter(({ _tag }) => _tag === \"Put\").map(elementOf))"
  },
  {
    fault: "a device stays retracted when it is back",
    file: "src/services/sync/Retractions.ts",
    from: "        if (Option.isSome(yield* source.reader.get(key))) return false\n" +
      "        if (yield* source.reader.isUnread(key)) return false\n" +
      "        return !(yield* isSomewhere(identifiers, sources))\n",
    to: "        return true\n"
  },
  {
    fault: "another configuration makes the connection to every agent anew",
    file: "src/services/poller/Fleet.ts",
    from: "      if (link === undefined || dialled.has(agent.agentId)) {",
    to: "      if (link === undefined || changes.length > 0) {"
  },
  {
    fault: "an agent that comes into the file is not polled before the next start",
    file: "src/domain/poller/reload/ConfigDiff.ts",
    from: "      return known === undefined ? [{ _tag: \"AgentAdded\", agent }] : betweenAgents(known, agent)",
    to: "      return known === undefined ? [] : betweenAgents(known, agent)"
  },
  {
    fault: "an agent at another address is dialled where it was",
    file: "src/domain/poller/reload/ConfigDiff.ts",
    from: "    ...changed(before.address, next.address, (values) =>",
    to: "    ...changed(before.address, before.address, (values) =>"
  },
  {
    fault: "another interval counts from the next start on",
    file: "src/domain/poller/reload/ConfigDiff.ts",
    from: "    changed(before.pollInterval, next.pollInterval, (values) =>",
    to: "    changed(before.pollInterval, before.pollInterval, (values) =>"
  },
  {
    fault: "a check whose interval is another one waits for a whole one from then on",
    file: "src/services/poller/CheckLoops.ts",
    from: "runs.dueMillis ?? (before === undefined ? undefined : overdueMillis(before, timing, now))",
    to: "runs.dueMillis"
  },
  {
    fault: "the process that takes over polls agents that the other polls still",
    file: "src/services/poller/Fleet.ts",
    from: "      lease: Lease.make(!isPolledByOther(agent.agentId)),",
    to: "      lease: Lease.make(),"
  },
  {
    fault: "the process that takes over begins every interval anew",
    file: "src/services/poller/handover/AgentHandover.ts",
    from: "      : tracked.runs.startedMillis + Duration.toMillis(interval)",
    to: "      : undefined"
  },
  {
    fault: "agents of a process that was not replaced to the end are nobody's",
    file: "src/layers/poller/handover/HandoverServer.ts",
    from: "        yield* Effect.forEach([...released, ...yield* links], AgentHandover.takeBack, { discard: true })\n",
    to: ""
  },
  {
    fault: "a poller that is being replaced polls what comes into its file",
    file: "src/layers/poller/handover/Replacement.ts",
    from: "      MutableRef.get(isBeingReplaced) ||\n",
    to: ""
  },
  {
    fault: "what a probe found down is told as available",
    file: "src/domain/monitoring/reports/PolledStatus.ts",
    from: "toStatus(subject, { serviceType, available, responseTimeNanos, agentId }, message)",
    to: "toStatus(subject, { serviceType, available: true, responseTimeNanos, agentId }, message)"
  },
  {
    fault: "of an agent that is away nothing is said",
    file: "src/services/poller/CheckScheduler.ts",
    from:
      "      onFailure: ({ message }) => conclude(about, PolledStatus.fromFailure(subject, message), PollerMetrics.pollsFailed)",
    to: "      onFailure: () => Effect.void"
  },
  {
    fault: "a poller that is away is never missed",
    file: "src/domain/monitoring/reports/PollerPresence.ts",
    from: "silenceMillis <= silenceMax(known, alertThresholdMillis)",
    to: "silenceMillis < Infinity"
  },
  {
    fault: "a poller is missed after one interval",
    file: "src/domain/monitoring/reports/PollerPresence.ts",
    from: "const intervalsMax = 4\n",
    to: "const intervalsMax = 1\n"
  },
  {
    fault: "nobody is told that a poller is back",
    file: "src/domain/monitoring/reports/PollerPresence.ts",
    from: "    if (previous === \"healthy\") {\n",
    to: "    if (previous !== \"unknown\") {\n"
  },
  {
    fault: "an agent may send as much as it likes",
    file: "src/domain/poller/ByteAllowance.ts",
    from: "  allowance.left -= bytes\n",
    to: ""
  },
  {
    fault: "a sequence advances before core has what came before it",
    file: "src/services/poller/ResultsStreamer.ts",
    from: "  yield* Ref.update(tracked.unacknowledged, (now) => ({\n    count: now.count + 1,\n",
    to: "  if (sequence !== \"\") yield* Ref.set(tracked.sequence, sequence)\n" +
      "  yield* Ref.update(tracked.unacknowledged, (now) => ({\n    count: now.count,\n"
  },
  {
    fault: "a NUL of an agent goes on as it is",
    file: "src/domain/monitoring/reports/CleanText.ts",
    from: "suspicious.test(text) ? text.replace(escape, cleanEscape) : text",
    to: "text"
  },
  {
    fault: "one check at a time is asked of all agents",
    file: "src/services/poller/Fleet.ts",
    from: "const placesMax = 4_096\n",
    to: "const placesMax = 1\n"
  },
  {
    fault: "a stream of results may go on for ever",
    file: "src/services/poller/ResultsStreamer.ts",
    from: "const streamDeadline = Duration.minutes(5)\n",
    to: "const streamDeadline = Duration.hours(5)\n"
  },
  {
    fault: "renewed certificates are not taken up",
    file: "src/layers/security/FileCredentials.ts",
    from: "    yield* state.accept(yield* CredentialFiles.toSet(reading, origin))\n",
    to: ""
  },
  {
    fault: "connections that are there are kept when certificates are renewed",
    file: "src/layers/security/GrpcCredentials.ts",
    from: "    onRenewal: source.onChange,\n",
    to: ""
  },
  {
    fault: "a server keeps its first certificates",
    file: "src/layers/security/GrpcCredentials.ts",
    from: "    renewals: Stream.map(Stream.drop(source.changes, 1), contextOf)\n",
    to: ""
  },
  {
    fault: "the one that was replaced polls on after it has let an agent go",
    file: "src/services/poller/handover/AgentHandover.ts",
    from: "  yield* Lease.giveUp(link.lease, patience)\n",
    to: ""
  },
  {
    fault: "an agent that was taken out of the file is polled on",
    file: "src/domain/poller/reload/ConfigDiff.ts",
    from: "        agents.delete(change.agentId)\n",
    to: ""
  },
  {
    fault: "an agent's own file that is another one counts from the next start on",
    file: "src/services/agent/LiveConfig.ts",
    from: "      now = next\n",
    to: ""
  },
  {
    fault: "all that is written beside a row that is refused is given up with it",
    file: "src/services/event-writer/BatchWriter.ts",
    from: "        if (part.length === 1 && alone !== undefined) kept.push({ message: alone.message, error })\n" +
      "        // A message asked for alone made nothing vain.\n" +
      "        if (part.length > 1) yield* Ref.update(size, BatchSize.rejected)\n" +
      "        search = Bisection.rejected(search, ownersOf(entries, members, error.reason.suspects))\n",
    to: "        if (alone !== undefined) for (const { message } of part) kept.push({ message, error })\n" +
      "        search = Bisection.accepted(search)\n"
  },
  {
    fault: "reports are tried again without a pause",
    file: "src/services/poller/ReportDelivery.ts",
    from: "export const backoff = Backoff.capped({ from: \"100 millis\", to: \"1 second\" })",
    to: "export const backoff = Backoff.capped({ from: \"10 millis\", to: \"10 millis\" })"
  },
  {
    fault: "a source is read at every fourth of its intervals",
    file: "src/services/sync/SourceRun.ts",
    from: "Duration.millis(millis - (elapsed % millis))",
    to: "Duration.millis(4 * millis - (elapsed % millis))"
  },
  {
    fault: "of devices that are gone nothing is said",
    file: "src/services/sync/Retractions.ts",
    from: "difference._tag === \"Retracted\" && entry !== undefined ? [entry] : []",
    to: "difference._tag === \"Added\" && entry !== undefined ? [entry] : []"
  },
  {
    fault: "the object that an agent's key names is removed",
    file: "src/services/sync/KvWriter.ts",
    from: "const objectsKept = 2\n",
    to: "const objectsKept = 0\n"
  }
]
