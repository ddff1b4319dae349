/** What stands where data would be: nothing there yet, still loading, or not available; always with the next step. */

import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { Icon, type IconName } from "./Icon";

interface Props {
  readonly icon: IconName;
  readonly title: string;
  readonly tone?: "error";
  readonly children?: ReactNode;
}

export function Notice({ icon, title, tone, children }: Props) {
  return (
    <div className={`notice ${tone ?? ""}`} role={tone === "error" ? "alert" : "status"}>
      <span className="notice-icon">
        <Icon name={icon} />
      </span>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** An error in the service's words, and a way to try again. */
export function ErrorNotice({ error, onRetry }: { readonly error: Error; readonly onRetry: () => void }) {
  const { title, detail, remedy } = wordsOf(error);
  return (
    <Notice icon="warning" tone="error" title={title}>
      <p>{detail}</p>
      {remedy && <p className="remedy">{remedy}</p>}
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </Notice>
  );
}

/** The same above a picture that is still true. */
export function ErrorBanner({ error, onRetry }: { readonly error: Error; readonly onRetry: () => void }) {
  const { title, detail, remedy } = wordsOf(error);
  return (
    <div className="banner" role="alert">
      <Icon name="warning" />
      <p>
        <strong>{title}.</strong> {detail}. {remedy}
      </p>
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}

function wordsOf(error: Error): { title: string; detail: string; remedy: string } {
  if (error instanceof ApiError) return error;
  return { title: "Something went wrong", detail: error.message, remedy: "Reload the page" };
}
