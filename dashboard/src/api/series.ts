/** The values of the visible range as a hook: a picture at once from what is known, then as fine as the screen shows. */

import { skipToken, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useAsked } from "../state/asked";
import { spanOf, type TimeRange } from "../state/range";
import { keyOf, type SignalRef } from "../state/signal";
import { isoInstant, MINUTE } from "../state/time";
import { useView } from "../state/view";
import { bestOf, suffices, type SeriesAnswer } from "./choose";
import { request } from "./client";
import { queryClient, vehiclePath } from "./queries";
import { traceOf, type Trace } from "./trace";
import type { QueryRequest, QueryResponse } from "./types";
import { neighbourhoodOf, SCREENS, windowOf } from "./window";

export interface SeriesQuery {
  readonly vehicle: string;
  readonly signals: readonly SignalRef[];
  /** Points per signal and screen. */
  readonly maxPoints: number;
}

export interface SeriesState {
  /** What to draw: the answer for this view, or the best one that is there until it comes. */
  readonly answer: SeriesAnswer | undefined;
  readonly current: boolean;
  readonly busy: boolean;
  readonly error: Error | null;
}

interface Target {
  readonly range: TimeRange;
  readonly maxPoints: number;
}

/**
 * @param query What is chosen; null: nothing yet.
 * @param range What is visible now.
 * @param settled The same, but at rest: what is asked for.
 * @param growing New samples may come into the range at any time.
 *
 * A request that nobody waits for any more is aborted; until the new answer is there, and when it never comes, an old one
 * is drawn, so that the picture does not go blank.
 */
export function useSeries(query: SeriesQuery | null, range: TimeRange, settled: TimeRange, growing: boolean): SeriesState {
  const target = useMemo(() => query && targetOf(query, settled, growing), [query, settled, growing]);
  useAskedAhead(query, growing);
  const { data, error, isFetching } = useQuery({
    ...(query && target ? asking(query, target) : { queryKey: ["series"], queryFn: skipToken }),
    staleTime: staleAfter(growing),
    refetchOnWindowFocus: false,
  });
  const [held, setHeld] = useState<SeriesAnswer>();
  if (data !== undefined && data !== held) setHeld(data);
  useNeighbours(query, settled, data !== undefined && !isFetching && !growing);
  const known = useMemo(() => {
    if (!query || (data && suffices(data, range, query.maxPoints))) return data;
    return bestOf(answersOf(query), range);
  }, [query, data, range]);
  return {
    answer: known ?? data ?? (held?.vehicle === query?.vehicle ? held : undefined),
    current: data !== undefined,
    busy: isFetching,
    error,
  };
}

const staleAfter = (growing: boolean): number => (growing ? 0 : 5 * MINUTE);

/** The question leaves before anything is drawn of the range that it is about: `useSeries` finds it under way. */
function useAskedAhead(query: SeriesQuery | null, growing: boolean): void {
  useEffect(() => {
    if (!query) return;
    return useAsked.subscribe(({ range }) => {
      if (!range || useView.getState().vehicle !== query.vehicle) return;
      const question = asking(query, targetOf(query, range, growing));
      void queryClient.query({ ...question, staleTime: staleAfter(growing) }).catch(() => undefined);
    });
  }, [query, growing]);
}

/** One more screen on either side, once there is nothing better to do: a pan then finds it there. */
function useNeighbours(query: SeriesQuery | null, settled: TimeRange, idle: boolean): void {
  useEffect(() => {
    if (!query || !idle) return;
    const half = spanOf(settled) / 2;
    const near = { from: settled.from - half, to: settled.to + half };
    const target = { range: neighbourhoodOf(settled), maxPoints: query.maxPoints * SCREENS };
    if (target.maxPoints > MOST_POINTS || target.maxPoints * query.signals.length > MOST_AT_ONCE) return;
    // half a screen on either side that is there already is enough for the next step
    if (answersOf(query).some((answer) => suffices(answer, near, (query.maxPoints * spanOf(near)) / spanOf(settled)))) return;
    const question = asking(query, target);
    const timer = setTimeout(() => void queryClient.query({ ...question, retry: false, staleTime: 5 * MINUTE }).catch(() => undefined), REST_MS);
    return () => {
      clearTimeout(timer);
      void queryClient.cancelQueries({ queryKey: question.queryKey, exact: true, fetchStatus: "fetching" });
    };
  }, [query, settled, idle]);
}

/** Points of the signal that is drawn small. */
const OVERVIEW_POINTS = 1500;

/** The first chosen signal over the whole session. */
export function useOverview(query: SeriesQuery | null, home: TimeRange, growing: boolean): Trace | undefined {
  const [first] = query?.signals ?? [];
  const { data } = useQuery({
    ...(query && first
      ? asking({ ...query, signals: [first] }, { range: windowOf(home), maxPoints: OVERVIEW_POINTS })
      : { queryKey: ["series"], queryFn: skipToken }),
    staleTime: growing ? 10_000 : 5 * MINUTE,
    refetchOnWindowFocus: false,
    placeholderData: (before: SeriesAnswer | undefined) => (before?.vehicle === query?.vehicle ? before : undefined),
  });
  return data?.traces[0];
}

const REST_MS = 150;
/** The service's limit for one signal, and what is still quick for all of them. */
const MOST_POINTS = 100_000;
const MOST_AT_ONCE = 400_000;

const signalsOf = ({ signals }: SeriesQuery): string => signals.map(keyOf).join();

/** Of another number of points they would be other pictures: who chooses fewer wants to see fewer. */
const keyOfAnswers = (query: SeriesQuery): readonly unknown[] => ["series", query.vehicle, signalsOf(query), query.maxPoints];

function asking(query: SeriesQuery, target: Target) {
  return {
    queryKey: [...keyOfAnswers(query), target],
    queryFn: async ({ signal }: { signal: AbortSignal }) => {
      const answer = await askSeries(query, target, signal);
      forgetSome();
      return answer;
    },
    gcTime: 10 * MINUTE,
  };
}

/** The question about another run for the stretch that lies `shift` milliseconds after the own range. */
export function askingRun(query: SeriesQuery, settled: TimeRange, shift: number) {
  const range = windowOf({ from: settled.from + shift, to: settled.to + shift });
  return {
    ...asking(query, { range, maxPoints: query.maxPoints }),
    staleTime: 5 * MINUTE,
    placeholderData: (before: SeriesAnswer | undefined) => (before?.vehicle === query.vehicle ? before : undefined),
  };
}

/** Every answer about these signals that is there. */
function answersOf(query: SeriesQuery): SeriesAnswer[] {
  return queryClient
    .getQueriesData<SeriesAnswer>({ queryKey: keyOfAnswers(query) })
    .flatMap(([, answer]) => (answer ? [answer] : []));
}

/** What to ask for a view: what is there already and good enough, else its window. */
function targetOf(query: SeriesQuery, range: TimeRange, growing: boolean): Target {
  const there = growing ? undefined : answersOf(query).find((answer) => suffices(answer, range, query.maxPoints));
  return there ? { range: there.range, maxPoints: there.maxPoints } : { range: windowOf(range), maxPoints: query.maxPoints };
}

/** Answers that nobody looks at: so many are kept for going back, and of the rest the widest, for zooming out. */
const KEPT = 8;
const KEPT_WIDE = 2;

function forgetSome(): void {
  const spanned = (answer: SeriesAnswer | undefined): number => (answer ? spanOf(answer.range) : 0);
  queryClient
    .getQueryCache()
    .findAll({ queryKey: ["series"], type: "inactive", fetchStatus: "idle" })
    .sort((a, b) => b.state.dataUpdatedAt - a.state.dataUpdatedAt)
    .slice(KEPT)
    .sort((a, b) => spanned(b.state.data as SeriesAnswer | undefined) - spanned(a.state.data as SeriesAnswer | undefined))
    .slice(KEPT_WIDE)
    .forEach((query) => queryClient.getQueryCache().remove(query));
}

/** Ask for the points of a stretch. */
async function askSeries(query: SeriesQuery, { range, maxPoints }: Target, signal: AbortSignal): Promise<SeriesAnswer> {
  const body: QueryRequest = {
    signals: [...query.signals],
    start_time: isoInstant(range.from),
    end_time: isoInstant(range.to),
    max_points: maxPoints,
    // keeps the lowest and the highest of every bucket: a spike is what somebody looks for, and they come in pairs
    method: "m4",
    include: ["gaps", "envelope"],
    shape: "columns",
  };
  const { signals } = await request<QueryResponse>(`${vehiclePath(query.vehicle)}/query`, { signal, body });
  // the service answers in the order of the request
  const traces = query.signals.flatMap((ref, i) => {
    const series = signals[i];
    return series ? [traceOf(ref, series)] : [];
  });
  return { vehicle: query.vehicle, range, maxPoints, traces };
}
