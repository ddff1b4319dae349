/** Charts and statistics of the chosen signals and range, or what is missing for them. */

import { useMemo, useRef } from "react";
import { useSeries, type SeriesQuery } from "../api/queries";
import { PanelStack } from "../charts/PanelStack";
import type { TimeRange } from "../state/range";
import { refOf, type SignalKey } from "../state/signal";
import { formatSpan } from "../state/time";
import { useSettled } from "../state/useSettled";
import { resetRange, useView } from "../state/view";
import { ErrorBanner, ErrorNotice, Notice } from "./Notice";
import { StatsTable } from "./StatsTable";
import { Toolbar } from "./Toolbar";
import { useWidth } from "./useWidth";

const REST_MS = 120;

interface Props {
  readonly vehicle: string;
  readonly range: TimeRange;
  readonly signals: readonly SignalKey[];
  readonly growing: boolean;
}

export function Workspace({ vehicle, range, signals, growing }: Props) {
  const root = useRef<HTMLElement>(null);
  const maxPoints = pointsFor(useWidth(root));
  const carried = useView((view) => view.carried);
  const settled = useSettled(range, REST_MS);
  const query = useMemo<SeriesQuery | null>(() => {
    const refs = signals.flatMap((key) => refOf(key) ?? []);
    return maxPoints === null || carried ? null : { vehicle, signals: refs, range: settled, maxPoints };
  }, [vehicle, signals, settled, maxPoints, carried]);
  const series = useSeries(query, growing);
  const { answer, error, retry } = series;

  // an older answer may still show signals that were unticked since
  const traces = useMemo(
    () => answer?.traces.filter(({ key }) => signals.includes(key)) ?? [],
    [answer, signals],
  );
  const empty = traces.length > 0 && traces.every(({ drawn }) => drawn === 0);

  return (
    <main className="workspace" ref={root} aria-busy={series.busy}>
      <Toolbar vehicle={vehicle} range={range} answer={answer} growing={growing} />
      <div className={series.busy ? "progress on" : "progress"} />
      {error && traces.length > 0 && <ErrorBanner error={error} onRetry={retry} />}
      {signals.length === 0 ? (
        <Notice icon="wave" title="No signal chosen">
          <p>Tick signals on the left: each unit gets a panel, all on one time axis.</p>
        </Notice>
      ) : error && traces.length === 0 ? (
        <ErrorNotice error={error} onRetry={retry} />
      ) : traces.length === 0 ? (
        <div className="skeleton-panels" aria-label="Loading the chart">
          <div />
          <div />
          <div />
        </div>
      ) : empty && series.current ? (
        <Notice icon="table" title="No samples here">
          <p>None of the chosen signals has a sample in these {formatSpan(range.to - range.from)}.</p>
          <button type="button" className="button" onClick={resetRange}>
            Show the whole session
          </button>
        </Notice>
      ) : (
        <>
          <PanelStack vehicle={vehicle} traces={traces} range={range} />
          <StatsTable traces={traces} cost={answer?.cost} />
        </>
      )}
    </main>
  );
}

/** Four samples per pixel, as M4 wants them, in steps, so that a moved window border asks nothing new. */
function pointsFor(width: number | null): number | null {
  return width === null ? null : Math.min(10_000, Math.max(2000, Math.ceil((width * 4) / 500) * 500));
}
