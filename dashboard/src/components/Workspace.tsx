/** Charts and statistics of the chosen signals and range, or what is missing for them. */

import { useMemo } from "react";
import { useEvents } from "../api/events";
import { useLiveTail } from "../api/live";
import { retryFailed } from "../api/retry";
import { useOverview, useSeries, type SeriesQuery } from "../api/series";
import { useStats } from "../api/stats";
import type { Session } from "../api/types";
import { MeasureBar } from "../charts/MeasureBar";
import { PanelStack } from "../charts/PanelStack";
import { samplesWithin } from "../charts/resolution";
import { useLines } from "../charts/useLines";
import { useAsked } from "../state/asked";
import { useDisplay } from "../state/display";
import type { RuleEvent } from "../state/event";
import { hull, spanOf, type TimeRange } from "../state/range";
import { wholeAround } from "../state/session";
import { keyOf, refOf, type SignalKey } from "../state/signal";
import { formatSpan } from "../state/time";
import { resetRange, useView } from "../state/view";
import { ErrorBanner, ErrorNotice, Notice } from "./Notice";
import { StatsTable } from "./StatsTable";
import { Toolbar } from "./Toolbar";
import { useWidth } from "./useWidth";

const NO_EVENTS: readonly RuleEvent[] = [];

interface Props {
  readonly vehicle: string;
  readonly signals: readonly SignalKey[];
  readonly growing: boolean;
  readonly sessions: readonly Session[];
}

/** Draws once a range is chosen; until then there is nothing to draw. */
export function Workspace(props: Props) {
  const range = useView((view) => view.range);
  return range && <Charts {...props} range={range} />;
}

function Charts({ vehicle, range, signals, growing, sessions }: Props & { readonly range: TimeRange }) {
  const [root, width] = useWidth();
  const fitting = pointsFor(width);
  const wanted = useDisplay((display) => display.maxPoints);
  const maxPoints = fitting === null ? null : (wanted ?? fitting);
  const carried = useView((view) => view.carried);
  const live = useView((view) => view.live);
  const settled = useAsked((asked) => asked.range) ?? range;
  // what is known may be outdated at any time
  const fresh = live || growing;
  const query = useMemo<SeriesQuery | null>(() => {
    const refs = signals.flatMap((key) => refOf(key) ?? []);
    return maxPoints === null || carried ? null : { vehicle, signals: refs, maxPoints };
  }, [vehicle, signals, maxPoints, carried]);
  const series = useSeries(query, range, settled, fresh);
  const { lines, busy, error: overlaid } = useLines(series.answer, useLiveTail(query, live), query, settled);
  const refs = query?.signals ?? [];
  const visible = useMemo(() => [settled], [settled]);
  const stats = useStats(vehicle, refs, visible, fresh);
  const counts = useMemo(() => {
    const found = stats.isPlaceholderData ? undefined : stats.data?.ranges[0]?.bySignal;
    return new Map([...(found ?? [])].map(([key, { count, nulls }]) => [key, count + nulls]));
  }, [stats.data, stats.isPlaceholderData]);
  const home = useView((view) => view.home);
  // the session, or the range that was asked for, in which the visible one lies
  const whole = wholeAround(range, home, sessions);
  // the same as long as the view is within: what is drawn of the whole session is not drawn anew by a pan
  const { from, to } = hull(whole, range);
  const extent = useMemo(() => ({ from, to }), [from, to]);
  const overview = useOverview(query, whole, fresh);
  const events = useEvents(vehicle, settled, fresh);

  const undrawn = series.error ?? overlaid;
  const error = undrawn ?? stats.error ?? events.error;
  const empty = series.current && lines.every(({ trace }) => samplesWithin(trace, range) === 0);

  return (
    <main className="workspace" ref={root} aria-busy={series.busy || busy}>
      <Toolbar vehicle={vehicle} range={range} signals={signals} lines={lines} growing={growing} />
      <div className={series.busy || busy ? "progress on" : "progress"} />
      {error && lines.length > 0 && <ErrorBanner error={error} onRetry={retryFailed} />}
      {signals.length === 0 ? (
        <Notice icon="wave" title="No signal chosen">
          <p>Tick signals on the left: each unit gets a panel, all on one time axis.</p>
        </Notice>
      ) : undrawn && lines.length === 0 ? (
        <ErrorNotice error={undrawn} onRetry={retryFailed} />
      ) : lines.length === 0 ? (
        <div className="skeleton-panels" aria-label="Loading the chart">
          <div />
          <div />
          <div />
        </div>
      ) : empty ? (
        <Notice icon="table" title="No samples here">
          <p>None of the chosen signals has a sample in these {formatSpan(spanOf(range))}.</p>
          <button type="button" className="button" onClick={resetRange}>
            Show the whole session
          </button>
        </Notice>
      ) : (
        <>
          <PanelStack vehicle={vehicle} lines={lines} range={range} extent={extent} overview={overview} counts={counts} events={events.data ?? NO_EVENTS} />
          <div className="below">
            <MeasureBar vehicle={vehicle} signals={refs} range={range} />
            <StatsTable signals={refs.map(keyOf)} answer={stats.data} />
          </div>
        </>
      )}
    </main>
  );
}

/** Four samples per pixel, as M4 wants them, in steps, so that a moved window border asks nothing new. */
function pointsFor(width: number | null): number | null {
  return width === null ? null : Math.min(10_000, Math.max(2000, Math.ceil((width * 4) / 500) * 500));
}
