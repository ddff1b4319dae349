/** What to take away: every sample of the visible range as a file of the service, or what is drawn. */

import { Icon } from "../components/Icon";
import { PopMenu } from "../components/PopMenu";
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
  const face = (
    <>
      <Icon name="download" />
      <span className="take">Export</span>
    </>
  );
  const saveDrawn = (): void => {
    const text = csvOf(lines.map(({ label, trace }) => ({ ...trace, key: label })));
    download(fileName([vehicle, isoInstant(range.from)], "csv"), new Blob([text], { type: "text/csv" }));
  };
  return (
    <PopMenu label="Export" className="button" title="Export every sample, or what is drawn" disabled={signals.length === 0} face={face}>
      {(close) => (
        <>
          {(["csv", "parquet"] as const).map((format) => (
            <RowsExport key={format} vehicle={vehicle} range={range} signals={signals} format={format} onDone={close} />
          ))}
          <button
            type="button"
            onClick={() => {
              saveDrawn();
              close();
            }}
          >
            What is drawn as CSV
            <span className="muted">one row per instant, one column per line</span>
          </button>
        </>
      )}
    </PopMenu>
  );
}
