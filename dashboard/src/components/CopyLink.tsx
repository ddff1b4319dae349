/** Copies the address of exactly this view. */

import { useEffect, useState } from "react";
import { currentAddress } from "../state/useAddress";
import { Icon } from "./Icon";

const SHOWN_MS = 1500;

/** What became of it; browsers let pages copy on https:// and on the own machine alone. */
type Outcome = "Copied" | "Copy the address above";

export function CopyLink() {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  useEffect(() => {
    if (outcome === null) return;
    const timer = setTimeout(() => setOutcome(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(`${location.origin}${location.pathname}${currentAddress()}`);
      setOutcome("Copied");
    } catch {
      setOutcome("Copy the address above");
    }
  };
  return (
    <button type="button" className="button" title="Copy a link to exactly this view" onClick={() => void copy()}>
      <Icon name="link" />
      <span className={outcome ? undefined : "word"} role="status">
        {outcome ?? "Link"}
      </span>
    </button>
  );
}
