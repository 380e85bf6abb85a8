/**
 * A chat server's worth of supervision: rooms that come and go, each found by its name, each with members of its own.
 *
 *   chat (rest_for_one)
 *   ├─ rooms      dynamic, one child per room (transient)
 *   └─ greetings  tasks, one per greeting (temporary)
 *
 * A member who sends nonsense crashes the room, which comes back empty and under the same name, while the other rooms
 * notice nothing. The registry needs no cleaning up: a room's name lives in its Scope.
 *
 *   node examples/chat-room.ts
 */
import { Context, Deferred, Effect, Fiber, Layer, Logger, Option, Queue, Schema, Stream } from "effect"
// In your own project: from "serviceradar-effect/supervision"
import { Registry, type SupervisionEvent, Supervisor, TaskSupervisor } from "../src/services/supervision/index.ts"

class BadWord extends Schema.TaggedError<BadWord>()("BadWord", { room: Schema.String, member: Schema.String }) {
  override get message(): string {
    return `${this.member} said it in ${this.room}`
  }
}

type Line =
  | { readonly _tag: "Join"; readonly member: string }
  | { readonly _tag: "Say"; readonly member: string; readonly text: string }
  | { readonly _tag: "Who"; readonly answer: Deferred.Deferred<ReadonlyArray<string>> }

/** A room's mailbox is bounded: who writes faster than the room reads waits. */
type Room = Queue.Queue<Line>
const linesMax = 64

class Rooms extends Context.Service<Rooms, Registry.Registry<Room>>()("examples/chat-room/Rooms") {
  static readonly layer = Layer.effect(this, Registry.make<Room>("rooms"))
}

/** Counts as started, and can be found, once it has its name. */
const room = (name: string) =>
  Supervisor.child({
    id: name,
    restart: "transient",
    start: Effect.gen(function*() {
      const rooms = yield* Rooms
      const lines = yield* Queue.bounded<Line>(linesMax)
      yield* rooms.register(name, lines)
      const members = new Set<string>()
      return Effect.forever(Effect.flatMap(Queue.take(lines), (line) => hear(name, members, line)))
    })
  })

const hear = (room: string, members: Set<string>, line: Line): Effect.Effect<unknown, BadWord> => {
  switch (line._tag) {
    case "Join":
      return Effect.sync(() => members.add(line.member))
    case "Say":
      return line.text === "bad word" ? Effect.fail(new BadWord({ room, member: line.member })) : Effect.void
    case "Who":
      return Deferred.succeed(line.answer, [...members])
  }
}

const send = Effect.fnUntraced(function*(room: string, line: Line) {
  const rooms = yield* Rooms
  yield* Queue.offer(yield* rooms.lookup(room), line)
})

const who = Effect.fnUntraced(function*(room: string) {
  const answer = yield* Deferred.make<ReadonlyArray<string>>()
  yield* send(room, { _tag: "Who", answer })
  return (yield* Deferred.await(answer)).join(" ")
})

/** Which child starts next. */
const nextStart = <E>(events: Stream.Stream<SupervisionEvent, E>) =>
  events.pipe(
    Stream.filter((event) => event._tag === "ChildStarted"),
    Stream.map((event) => event.child),
    Stream.runHead,
    Effect.map(Option.getOrElse(() => "nobody")),
    Effect.timeout("5 seconds")
  )

const program = Effect.gen(function*() {
  const report: Array<string> = []
  const rooms = yield* Supervisor.dynamic<BadWord | Registry.AlreadyRegistered>({ id: "rooms", maxChildren: 100 })
  const greetings = yield* TaskSupervisor.make({ id: "greetings", maxChildren: 10 })
  const chat = yield* Supervisor.start({ id: "chat", strategy: "rest_for_one", children: [rooms, greetings] })
  yield* Effect.forEach(["lobby", "attic"], (name) => rooms.startChild(room(name)))

  yield* send("lobby", { _tag: "Join", member: "ada" })
  yield* send("attic", { _tag: "Join", member: "bob" })
  const greeting = yield* greetings.asyncNoLink(Effect.map(who("lobby"), (members) => `hello ${members}`))
  report.push(yield* greeting.join)

  const restarted = yield* Effect.forkChild(nextStart(rooms.events), { startImmediately: true })
  yield* send("lobby", { _tag: "Say", member: "ada", text: "bad word" })
  report.push(`${yield* Fiber.join(restarted)} is back`)

  report.push(`lobby: ${yield* who("lobby")}`, `attic: ${yield* who("attic")}`)
  report.push(yield* Effect.flip(send("cellar", { _tag: "Join", member: "eve" })).pipe(Effect.map(String)))
  yield* chat.stop
  report.push(`rooms left: ${(yield* (yield* Rooms).count).names}`)
  return report
}).pipe(Effect.scoped, Effect.provide(Rooms.layer))

for (const line of await Effect.runPromise(Effect.provide(program, Logger.layer([])))) console.log(line)
