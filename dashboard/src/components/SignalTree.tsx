/** Messages and their signals: search, open, tick. */

import { useState } from "react";
import type { Catalogue } from "../api/catalogue";
import type { Listed } from "../state/defaults";
import { selectSignals, useView } from "../state/view";
import { Icon } from "./Icon";
import { MessageNode } from "./MessageNode";

interface Props {
  readonly catalogue: Catalogue;
  readonly search: string;
  readonly onSearch: (text: string) => void;
  readonly opened: ReadonlySet<string>;
  readonly onOpened: (opened: ReadonlySet<string>) => void;
}

export const SEARCH_ID = "signal-search";

export function SignalTree({ catalogue, search, onSearch, opened, onOpened }: Props) {
  const selected = useView((view) => view.signals) ?? [];
  // what is chosen at first is open at first; after that the user's word counts
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const words = search.toLowerCase().split(/[\s.]+/).filter((word) => word !== "");
  const nodes = catalogue.messages.flatMap((message) => {
    const listed = catalogue.listed.get(message.message_name);
    const shown = matching(message.message_name, listed, words);
    if (words.length > 0 && shown.length === 0) return [];
    const chosen = selected.filter((key) => key.startsWith(`${message.message_name}.`)).length;
    const open = words.length > 0 || opened.has(message.message_name) || (chosen > 0 && !touched.has(message.message_name));
    return [{ message, listed, shown, chosen, open }];
  });
  const toggle = (name: string, open: boolean): void => {
    setTouched(new Set([...touched, name]));
    const next = new Set(opened);
    if (open) next.delete(name);
    else next.add(name);
    onOpened(next);
  };
  return (
    <section className="signals" aria-label="Signals">
      <h2 className="section-title">
        Signals {selected.length > 0 && <span className="count">{selected.length} shown</span>}
        <span className="spacer" />
        {selected.length > 0 && (
          <button type="button" className="text-button" onClick={() => selectSignals([])}>
            Clear
          </button>
        )}
      </h2>
      <div className="search">
        <Icon name="search" />
        <input
          id={SEARCH_ID}
          className="input"
          type="search"
          placeholder="Find a signal or message"
          aria-label="Find a signal or message"
          value={search}
          onChange={(event) => onSearch(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") {
              onSearch("");
              event.currentTarget.blur();
            }
          }}
        />
        <kbd>/</kbd>
      </div>
      <ul className="tree" role="tree" aria-label="Messages and signals">
        {nodes.map(({ message, listed, shown, chosen, open }) => (
          <MessageNode
            key={message.message_name}
            message={message}
            signals={listed ? shown : null}
            chosen={chosen}
            open={open}
            onToggle={() => toggle(message.message_name, open)}
          />
        ))}
      </ul>
      {words.length > 0 && nodes.length === 0 && (
        <p className="hint">{catalogue.complete ? `No signal matches “${search}”.` : "Searching…"}</p>
      )}
      {catalogue.messages.length === 0 && !catalogue.complete && !catalogue.error && (
        <div className="skeleton-list" aria-label="Loading signals" />
      )}
    </section>
  );
}

/** The signals whose full name holds every word; all of them without words. */
function matching(message: string, listed: Listed | undefined, words: readonly string[]) {
  return (listed?.signals ?? []).filter(({ signal_name, unit }) => {
    const text = `${message}.${signal_name} ${unit}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
