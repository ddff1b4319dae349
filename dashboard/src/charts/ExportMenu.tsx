/** What to take away: every sample of the visible range as a file of the service, or what is drawn. */

import { useRef, useState } from "react";
import { Icon } from "../components/Icon";
import { useDismiss } from "../components/useDismiss";
import type { TimeRange } from "../state/range";
import type { SignalKey } from "../state/signal";
import { isoInstant } from "../state/time";
import { csvOf } from "./csv";
import { download, fileName } from "./download";
import type { Line } from "./lines";
import { RowsExport } from "./RowsExport";

interface Props {
  readonly vehicle: string;
  readonly range: TimeRange;
  readonly signals: readonly SignalKey[];
  readonly lines: readonly Line[];
}

export function ExportMenu({ vehicle, range, signals, lines }: Props) {
  const root = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  useDismiss(root, open, close);
  return (
    <div className="pop" ref={root}>
      <button
        type="button"
        className="button"
        aria-haspopup="true"
        aria-expanded={open}
        disabled={signals.length === 0}
        onClick={() => setOpen(!open)}
      >
        <Icon name="download" />
        Export
      </button>
      {open && (
        <div className="pop-menu" role="group" aria-label="Export">
          {(["csv", "parquet"] as const).map((format) => (
            <RowsExport key={format} vehicle={vehicle} range={range} signals={signals} format={format} onDone={close} />
          ))}
          <button
            type="button"
            onClick={() => {
              const name = fileName([vehicle, isoInstant(range.from)], "csv");
              download(name, new Blob([csvOf(lines.map(({ label, trace }) => ({ ...trace, key: label })))], { type: "text/csv" }));
              close();
            }}
          >
            What is drawn as CSV
            <span className="muted">one row per instant, one column per line</span>
          </button>
        </div>
      )}
    </div>
  );
}
