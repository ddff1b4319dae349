/** Every sample of the visible range as a file: a link where nobody has to sign in, else fetched as whoever did. */

import { useEffect, useRef, useState } from "react";
import { useSignIn } from "../api/auth";
import { exportAddress, fetchExport, type ExportFormat } from "../api/export";
import { formatCompact, formatCount, nounFor } from "../state/number";
import type { TimeRange } from "../state/range";
import type { SignalKey } from "../state/signal";
import { isoInstant } from "../state/time";
import { download, fileName } from "./download";

interface Props {
  readonly vehicle: string;
  readonly range: TimeRange;
  readonly signals: readonly SignalKey[];
  readonly format: ExportFormat;
  readonly onDone: () => void;
}

export function RowsExport({ vehicle, range, signals, format, onDone }: Props) {
  const signedIn = useSignIn((state) => state.tokens !== null);
  const [bytes, setBytes] = useState<number | null>(null);
  const [said, setSaid] = useState<string | null>(null);
  const running = useRef<AbortController | null>(null);
  // the menu was closed: nobody waits for it any more
  useEffect(() => () => running.current?.abort(), []);
  const address = exportAddress(vehicle, signals, range, format);
  const title = `Every sample as ${format === "csv" ? "CSV" : "Parquet"}`;
  const about = "all rows of the visible range, as recorded";

  if (!signedIn) {
    return (
      <a href={address} download onClick={onDone}>
        {title}
        <span className="muted">{about}</span>
      </a>
    );
  }

  const save = async (): Promise<void> => {
    running.current?.abort();
    const mine = new AbortController();
    running.current = mine;
    const name = fileName([vehicle, isoInstant(range.from)], format);
    setSaid(null);
    try {
      const { content, skipped } = await fetchExport(address, name, setBytes, mine.signal);
      if (content) download(name, content);
      if (skipped === 0) onDone();
      else setSaid(`${formatCount(skipped)} ${nounFor(skipped, "object")} of this range cannot be read: the file is without ${nounFor(skipped, "its", "their")} rows`);
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) setSaid(error instanceof Error ? error.message : String(error));
    }
    setBytes(null);
  };

  return (
    <>
      <button type="button" onClick={() => void save()}>
        {title}
        <span className="muted number">{bytes === null ? about : `${formatCompact(bytes)}B so far; closing this menu gives it up`}</span>
      </button>
      {said !== null && (
        <p className="fault" role="alert">
          {said}
        </p>
      )}
    </>
  );
}
