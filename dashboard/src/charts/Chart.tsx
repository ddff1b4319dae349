/** uPlot as a component: it is made once per shape, theme and grid, then only fed. */

import { useLayoutEffect, useRef } from "react";
import uPlot from "uplot";
import { useDisplay } from "../state/display";
import type { TimeRange } from "../state/range";
import { useTheme } from "../state/theme";
import type { Aligned } from "./align";
import { panelOptions, setRange, type PanelShape } from "./options";
import { register } from "./registry";

interface Props {
  /** Which panel it is. */
  readonly panel: string;
  /** Another shape makes another chart: keep its identity while nothing changes. */
  readonly shape: PanelShape;
  readonly data: Aligned;
  readonly range: TimeRange;
  readonly onChart: (chart: uPlot | null) => void;
}

export function Chart({ panel, shape, data, range, onChart }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef({ data, range });
  const theme = useTheme((state) => state.theme);
  const grid = useDisplay((display) => display.showGrid);

  useLayoutEffect(() => {
    latest.current = { data, range };
  });

  useLayoutEffect(() => {
    const element = host.current;
    if (!element) return;
    const size = () => ({ width: element.clientWidth, height: element.clientHeight });
    const made = new uPlot(panelOptions(shape, latest.current.range, size()), latest.current.data, element);
    chart.current = made;
    onChart(made);
    const forget = register(panel, made);
    const observer = new ResizeObserver(() => made.setSize(size()));
    observer.observe(element);
    return () => {
      observer.disconnect();
      forget();
      onChart(null);
      chart.current = null;
      made.destroy();
    };
  }, [panel, shape, onChart, theme, grid]);

  useLayoutEffect(() => {
    const made = chart.current;
    if (!made) return;
    made.batch(() => {
      if (made.data !== data) made.setData(data, false);
      setRange(made, range);
    });
  }, [data, range]);

  return <div className="chart" ref={host} />;
}
