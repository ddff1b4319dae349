/** Copies the address of exactly this view. */

import { useEffect, useState } from "react";
import { currentAddress } from "../state/useAddress";
import { Icon } from "./Icon";

const SHOWN_MS = 1500;

export function CopyLink() {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(`${location.origin}${location.pathname}${currentAddress()}`);
    setCopied(true);
  };
  return (
    <button type="button" className="button" title="Copy a link to exactly this view" onClick={() => void copy()}>
      <Icon name="link" />
      <span className={copied ? undefined : "word"}>{copied ? "Copied" : "Link"}</span>
    </button>
  );
}
