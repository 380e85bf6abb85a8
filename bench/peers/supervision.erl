#!/usr/bin/env escript
%% The work of bench/supervision.ts on the BEAM. Prints one JSON object.
%%! +P 2000000
-mode(compile).
-export([init/1, start_worker/0, start_named/1, worker/1, named/2, handle_call/3, handle_cast/2]).

%% A supervisor callback: {simple, Intensity}, {one, Intensity}, {static, Count} or {all, Count}; echo is a gen_server.
init(echo) -> {ok, none};
init({static, Count}) ->
    {ok, {#{strategy => one_for_one, intensity => 1, period => 5},
          [#{id => Id, start => {?MODULE, start_worker, []}, restart => permanent} || Id <- lists:seq(1, Count)]}};
init({simple, Intensity}) ->
    {ok, {#{strategy => simple_one_for_one, intensity => Intensity, period => 5},
          [#{id => worker, start => {?MODULE, start_worker, []}, restart => temporary}]}};
init({one, Intensity}) ->
    {ok, {#{strategy => one_for_one, intensity => Intensity, period => 5},
          [#{id => worker, start => {?MODULE, start_named, [self_reporting]}, restart => permanent}]}};
init({all, Count}) ->
    {ok, {#{strategy => one_for_all, intensity => 1000000, period => 5},
          [#{id => Id, start => {?MODULE, start_named, [{all, Id}]}, restart => permanent} || Id <- lists:seq(1, Count)]}}.

%% Two-part start as proc_lib workers do: the child says that it is there, then lives.
start_worker() -> proc_lib:start_link(?MODULE, worker, [self()]).
start_named(Tag) -> proc_lib:start_link(?MODULE, named, [self(), Tag]).

worker(Parent) -> proc_lib:init_ack(Parent, {ok, self()}), loop().

named(Parent, Tag) ->
    case whereis(bench) of undefined -> ok; Bench -> Bench ! {up, Tag, self(), now_ns()} end,
    proc_lib:init_ack(Parent, {ok, self()}),
    loop().

loop() ->
    receive
        {ping, From} -> From ! pong, loop();
        crash -> exit(crash)
    end.

handle_call(ping, _, State) -> {reply, pong, State}.
handle_cast(_, State) -> {noreply, State}.

now_ns() -> erlang:monotonic_time(nanosecond).
seconds(Fun) -> T0 = now_ns(), R = Fun(), {(now_ns() - T0) / 1.0e9, R}.

start_stop(N) ->
    {ok, Sup} = supervisor:start_link(?MODULE, {simple, 1}),
    unlink(Sup),
    erlang:garbage_collect(),
    Before = erlang:memory(total),
    {Start, _} = seconds(fun() -> [supervisor:start_child(Sup, []) || _ <- lists:seq(1, N)], ok end),
    Bytes = (erlang:memory(total) - Before) / N,
    {Stop, _} = seconds(fun() -> stop(Sup) end),
    {Start, Stop, Bytes}.

stop(Pid) ->
    Ref = monitor(process, Pid), exit(Pid, shutdown),
    receive {'DOWN', Ref, _, _, _} -> ok end.

start_stop_static(N) ->
    {Start, {ok, Sup}} = seconds(fun() -> supervisor:start_link(?MODULE, {static, N}) end),
    unlink(Sup),
    {Stop, _} = seconds(fun() -> stop(Sup) end),
    {Start, Stop}.

calls(N) ->
    {ok, Pid} = gen_server:start_link(?MODULE, echo, []),
    {Time, _} = seconds(fun() -> call(Pid, N) end),
    unlink(Pid), exit(Pid, kill),
    Time * 1.0e6 / N.

call(_, 0) -> ok;
call(Pid, N) -> pong = gen_server:call(Pid, ping), call(Pid, N - 1).

restarts(N) ->
    register(bench, self()),
    {ok, Sup} = supervisor:start_link(?MODULE, {one, 100000000}),
    unlink(Sup),
    Pid = receive {up, _, P, _} -> P end,
    {Total, Latencies} = seconds(fun() -> restart_loop(Pid, N, []) end),
    unregister(bench), stop(Sup),
    Sorted = lists:sort(Latencies),
    {N / Total, lists:nth(max(1, N div 2), Sorted) / 1000, lists:nth(max(1, N * 99 div 100), Sorted) / 1000}.

restart_loop(_, 0, Acc) -> Acc;
restart_loop(Pid, N, Acc) ->
    T0 = now_ns(), Pid ! crash,
    receive {up, _, New, T1} -> restart_loop(New, N - 1, [T1 - T0 | Acc]) end.

one_for_all(N) ->
    register(bench, self()),
    {ok, Sup} = supervisor:start_link(?MODULE, {all, N}),
    unlink(Sup),
    First = collect(N, undefined),
    {Time, _} = seconds(fun() -> First ! crash, collect(N, undefined) end),
    unregister(bench), stop(Sup),
    Time.

collect(0, First) -> First;
collect(N, First) -> receive {up, {all, 1}, Pid, _} -> collect(N - 1, Pid); {up, _, _, _} -> collect(N - 1, First) end.

round_trips(N) ->
    Parent = self(),
    Pid = spawn_link(fun() -> loop() end),
    {Time, _} = seconds(fun() -> ping(Pid, Parent, N) end),
    unlink(Pid), exit(Pid, kill),
    Time * 1.0e6 / N.

ping(_, _, 0) -> ok;
ping(Pid, Parent, N) -> Pid ! {ping, Parent}, receive pong -> ping(Pid, Parent, N - 1) end.

main(_) ->
    process_flag(trap_exit, true),
    logger:set_primary_config(level, none),
    _ = start_stop(1000),
    {Start1, Stop1, _} = start_stop(1000),
    {Start2, Stop2, Bytes} = start_stop(100000),
    {PerSecond, P50, P99} = restarts(20000),
    All = one_for_all(1000),
    All2 = one_for_all(100000),
    Trip = round_trips(200000),
    Call = calls(200000),
    {Start3, Stop3} = start_stop_static(100000),
    io:format("{\"otp\":\"~s\",\"bytes_per_child\":~.1f,\"start_1000_s\":~.6f,\"stop_1000_s\":~.6f,"
              "\"start_100000_s\":~.6f,\"stop_100000_s\":~.6f,\"restarts_per_s\":~.1f,\"restart_p50_us\":~.2f,"
              "\"restart_p99_us\":~.2f,\"one_for_all_1000_s\":~.6f,\"one_for_all_100000_s\":~.6f,"
              "\"round_trip_us\":~.3f,\"actor_call_us\":~.3f,\"static_start_100000_s\":~.6f,"
              "\"static_stop_100000_s\":~.6f}~n",
              [erlang:system_info(otp_release), Bytes, Start1, Stop1, Start2, Stop2, PerSecond, P50, P99, All, All2, Trip,
               Call, Start3, Stop3]).
