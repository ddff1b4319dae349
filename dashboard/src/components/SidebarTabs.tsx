/** The lower half of the sidebar: signals, events or overlays, one at a time. */

import type { KeyboardEvent, ReactNode } from "react";
import { useCommand } from "../state/command";

export type Tab = "signals" | "events" | "overlay";

const TABS: readonly (readonly [Tab, string, string])[] = [
  ["signals", "Signals", "1"],
  ["events", "Events", "2"],
  ["overlay", "Overlay", "3"],
];

interface Props {
  readonly tab: Tab;
  readonly onTab: (tab: Tab) => void;
  /** A number beside a tab's name, where there is something to count. */
  readonly counts: Readonly<Partial<Record<Tab, number>>>;
  readonly children: ReactNode;
}

export function SidebarTabs({ tab, onTab, counts, children }: Props) {
  useCommand("signals tab", () => onTab("signals"));
  useCommand("events tab", () => onTab("events"));
  useCommand("overlay tab", () => onTab("overlay"));
  const press = (event: KeyboardEvent<HTMLElement>): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = (TABS.findIndex(([name]) => name === tab) + step + TABS.length) % TABS.length;
    if (TABS[next]) onTab(TABS[next][0]);
    event.currentTarget.querySelectorAll<HTMLElement>('[role="tab"]')[next]?.focus();
  };
  return (
    <div className="tabs">
      <div className="tab-list" role="tablist" aria-label="What to choose" onKeyDown={press}>
        {TABS.map(([name, title, key]) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={name === tab}
            aria-controls="tab-panel"
            tabIndex={name === tab ? 0 : -1}
            title={`${title}  (${key})`}
            onClick={() => onTab(name)}
          >
            {title}
            {(counts[name] ?? 0) > 0 && <span className="count">{counts[name]}</span>}
          </button>
        ))}
      </div>
      <div className="tab-panel" role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab}`}>
        {children}
      </div>
    </div>
  );
}
