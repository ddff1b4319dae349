/** Whether the service answers, and which one it is. */

import type { UseQueryResult } from "@tanstack/react-query";
import type { Health } from "../api/types";

export function HealthPill({ health }: { readonly health: UseQueryResult<Health> }) {
  const { tone, text, tip } = stateOf(health);
  return (
    <span className={`pill ${tone}`} role="status" title={tip} data-testid="health">
      <span className="dot" />
      {text}
    </span>
  );
}

function stateOf({ data, isError, isPending }: UseQueryResult<Health>): { tone: string; text: string; tip: string } {
  if (isError) return { tone: "bad", text: "Service not reachable", tip: "Start it with: telemetry serve" };
  if (isPending) return { tone: "", text: "Connecting", tip: "Asking the service" };
  return { tone: "good", text: "Connected", tip: `Service ${data.version}, lake ${data.lake}` };
}
