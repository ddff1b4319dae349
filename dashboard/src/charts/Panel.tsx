/** One unit's chart with its legend and what it is made of. */

import { useMemo, useRef } from "react";
import type uPlot from "uplot";
import { IconButton } from "../components/IconButton";
import type { TimeRange } from "../state/range";
import { isoInstant } from "../state/time";
import { useView } from "../state/view";
import { alignTraces } from "./align";
import { Chart } from "./Chart";
import { download, fileName } from "./download";
import { Legend } from "./Legend";
import type { PanelShape, TimeLabels } from "./options";
import { resolutionOf, type PanelModel } from "./panels";
import { panelPicture } from "./png";

interface Props {
  readonly panel: PanelModel;
  readonly vehicle: string;
  readonly range: TimeRange;
  readonly labels: TimeLabels;
}

export function Panel({ panel, vehicle, range, labels }: Props) {
  const { unit, traces } = panel;
  const chart = useRef<uPlot | null>(null);
  const slots = useView((view) => view.slots);
  const resolution = resolutionOf(traces);
  const title = unit || "no unit";

  // the same signals make the same shape, however often their data changes
  const identity = JSON.stringify([traces.map(({ key }) => [key, slots[key] ?? 0]), labels]);
  const shape = useMemo<PanelShape>(() => {
    const [signals, below] = JSON.parse(identity) as [[string, number][], TimeLabels];
    return { signals: signals.map(([key, slot]) => ({ key, slot })), labels: below };
  }, [identity]);
  const data = useMemo(() => alignTraces(traces), [traces]);

  const save = async (): Promise<void> => {
    if (!chart.current) return;
    const caption = {
      title: `${vehicle} · ${title}`,
      subtitle: `${isoInstant(range.from)} – ${isoInstant(range.to)} · ${resolution.text}`,
      entries: traces.map(({ key }) => ({ label: key, slot: slots[key] ?? 0 })),
    };
    download(fileName([vehicle, isoInstant(range.from), title], "png"), await panelPicture(chart.current, caption));
  };

  return (
    <article className={`panel labels-${labels}`} aria-label={`Panel ${title}`} data-unit={unit}>
      <header className="panel-head">
        <h3>{title}</h3>
        <Legend traces={traces} />
        <span className={resolution.complete ? "resolution complete" : "resolution"} title="What the line is made of">
          {resolution.text}
        </span>
        <IconButton icon="image" label={`Save ${title} as PNG`} onClick={() => void save()} />
      </header>
      <Chart unit={unit} shape={shape} data={data} range={range} onChart={(made) => (chart.current = made)} />
    </article>
  );
}
