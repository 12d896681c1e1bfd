#!/usr/bin/env escript
%%! -noshell
%% The peer of `labkeeper-bench supervision`: the same children under OTP's own supervisor, measured from inside in the
%% same way, and printed in the same lines (see benches/src/supervision/probe.rs).
%% Usage: escript supervision.escript CHILDREN CRASHES
-mode(compile).
-export([init/1, start_child/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(RARE_MS, 10).
-define(STRIDE, 7919).

main([ChildrenText, CrashesText]) ->
    {Children, Crashes} = {list_to_integer(ChildrenText), list_to_integer(CrashesText)},
    %% Neither side logs its crashes: what is measured is the restart.
    logger:set_primary_config(level, none),
    ets:new(hall, [named_table, public, set]),
    register(meter, self()),
    erlang:garbage_collect(),
    {Resident, Own} = {resident_bytes(), erlang:memory(total)},
    {ok, Supervisor} = supervisor:start_link(?MODULE, supervisor),
    [{ok, _} = supervisor:start_child(Supervisor, [N]) || N <- lists:seq(0, Children - 1)],
    [receive {started, _} -> ok end || _ <- lists:seq(1, Children)],
    io:format("resident_bytes ~b~n", [(resident_bytes() - Resident) div Children]),
    io:format("own_bytes ~b~n", [(erlang:memory(total) - Own) div Children]),
    io:format("release ~s~n", [erlang:system_info(otp_release)]),
    io:format("rare_ns ~s~n", [crashes(Children, Crashes, ?RARE_MS)]),
    io:format("row_ns ~s~n", [crashes(Children, Crashes, 0)]).

%% What each of some crashes took, in nanoseconds.
crashes(Children, Crashes, ApartMs) ->
    Times = [crash(N * ?STRIDE rem Children, ApartMs) || N <- lists:seq(0, Crashes - 1)],
    lists:join(" ", [integer_to_list(Time) || Time <- Times]).

%% From right before the error to the first statement of the restarted child.
crash(N, ApartMs) ->
    ApartMs > 0 andalso timer:sleep(ApartMs),
    [{N, Pid}] = ets:lookup(hall, N),
    Pid ! crash,
    receive {started, At} -> At - ets:lookup_element(hall, crashed, 2) end.

init(supervisor) ->
    %% The strategy that OTP has for many children of one kind: it finds a crashed one without looking through all.
    %% A period of a second is the shortest there is. It goes through the restarts of the last one at each restart: for
    %% a thousand of them, a few microseconds.
    Flags = #{strategy => simple_one_for_one, intensity => 1000000, period => 1},
    {ok, {Flags, [#{id => child, start => {?MODULE, start_child, []}}]}};
init({child, N}) ->
    At = erlang:monotonic_time(nanosecond),
    ets:insert(hall, {N, self()}),
    meter ! {started, At},
    {ok, N}.

start_child(N) ->
    gen_server:start_link(?MODULE, {child, N}, []).

handle_info(crash, _N) ->
    ets:insert(hall, {crashed, erlang:monotonic_time(nanosecond)}),
    error(on_purpose).

handle_call(_, _, N) -> {reply, ok, N}.

handle_cast(_, N) -> {noreply, N}.

%% Of this process, exact to the page.
resident_bytes() ->
    {ok, Rollup} = file:read_file("/proc/" ++ os:getpid() ++ "/smaps_rollup"),
    {match, [KiB]} = re:run(Rollup, "Rss:\\s+(\\d+) kB", [{capture, all_but_first, list}]),
    list_to_integer(KiB) * 1024.
