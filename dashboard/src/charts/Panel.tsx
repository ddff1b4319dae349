/** One panel: its chart with legend and axes, what it is made of, and a place to drop signals. */

import { useCallback, useMemo, useRef, useState, type CSSProperties } from "react";
import type uPlot from "uplot";
import { IconButton } from "../components/IconButton";
import type { TimeRange } from "../state/range";
import { isoInstant } from "../state/time";
import { Chart } from "./Chart";
import { dataOf } from "./data";
import { download, fileName } from "./download";
import type { TimeLabels } from "./geometry";
import { Legend } from "./Legend";
import { carriesSignal, dropInto } from "./MoveHandle";
import type { PanelShape, ShapeLine } from "./options";
import type { PanelModel } from "./panels";
import { panelPicture } from "./picture";
import { resolutionOf } from "./resolution";

interface Props {
  readonly panel: PanelModel;
  readonly panels: readonly PanelModel[];
  readonly vehicle: string;
  readonly range: TimeRange;
  readonly labels: TimeLabels;
  readonly rightAxes: number;
  /** Samples of each signal in the range, where they are known. */
  readonly counts: ReadonlyMap<string, number>;
}

export function Panel({ panel, panels, vehicle, range, labels, rightAxes, counts }: Props) {
  const { id, title, units, lines, strips } = panel;
  const chart = useRef<uPlot | null>(null);
  const keep = useCallback((made: uPlot | null) => {
    chart.current = made;
  }, []);
  const [over, setOver] = useState(false);
  const own = lines.filter(({ run }) => run === null).map(({ trace }) => trace);
  const resolution = resolutionOf(own, range, counts);

  // the same lines make the same shape, however often their data changes
  const identity = JSON.stringify({
    lines: lines.map(({ label, slot, run, trace }): ShapeLine => {
      const { unit, choices, envelope } = trace;
      return { label, slot, run, unit, banded: envelope !== null && !strips, choices };
    }),
    units,
    strips,
    rightAxes,
    labels,
  } satisfies PanelShape);
  const shape = useMemo(() => JSON.parse(identity) as PanelShape, [identity]);
  const data = useMemo(() => dataOf(lines, !strips), [lines, strips]);

  const save = async (): Promise<void> => {
    if (!chart.current) return;
    const { width, height } = chart.current;
    const subtitle = `${isoInstant(range.from)} – ${isoInstant(range.to)} · ${resolution.text}`;
    const picture = await panelPicture(shape, data, range, { width, height }, { title: `${vehicle} · ${title}`, subtitle });
    download(fileName([vehicle, isoInstant(range.from), title], "png"), picture);
  };

  return (
    <article
      style={strips ? ({ "--strips": lines.length } as CSSProperties) : undefined}
      className={`panel labels-${labels}${over ? " drop" : ""}`}
      aria-label={`Panel ${title}`}
      data-unit={id}
      onDragOver={(event) => {
        if (!carriesSignal(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={(event) => {
        setOver(false);
        dropInto(event, id, panels);
      }}
    >
      <header className="panel-head">
        <h3>{title}</h3>
        <Legend lines={lines} panels={panels} />
        <span className={resolution.complete ? "resolution complete" : "resolution"} title="What the lines are made of">
          {resolution.text}
        </span>
        <IconButton icon="image" label={`Save ${title} as PNG`} onClick={() => void save()} />
      </header>
      <Chart panel={id} shape={shape} data={data} range={range} onChart={keep} />
    </article>
  );
}
