/** From and to, as text in UTC: Enter applies, Escape takes back. */

import { useState } from "react";
import { tidyRange, type TimeRange } from "../state/range";
import { parseTyped, typedInstant } from "../state/time";
import { showRange } from "../state/view";

export function RangeInputs({ range }: { readonly range: TimeRange }) {
  return (
    <div className="range-inputs">
      <InstantInput label="From" value={range.from} onInstant={(from) => showRange(tidyRange(from, range.to))} />
      <span className="muted">–</span>
      <InstantInput label="To" value={range.to} onInstant={(to) => showRange(tidyRange(range.from, to))} />
      <span className="zone">UTC</span>
    </div>
  );
}

interface Props {
  readonly label: string;
  readonly value: number;
  readonly onInstant: (ms: number) => void;
}

function InstantInput({ label, value, onInstant }: Props) {
  const [draft, setDraft] = useState<string | null>(null);
  const typed = draft === null ? value : parseTyped(draft);
  const text = draft ?? typedInstant(value);
  const apply = (): void => {
    if (draft !== null && typed !== null) onInstant(typed);
    setDraft(null);
  };
  return (
    <input
      className="input instant number"
      aria-label={`${label} (UTC)`}
      aria-invalid={typed === null}
      title={typed === null ? "Write it as 2025-01-31 08:30:00" : `${label}, UTC`}
      spellCheck={false}
      style={{ width: `calc(${Math.max(text.length, 19)}ch + 10px)` }}
      value={text}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={apply}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") setDraft(null);
      }}
    />
  );
}
