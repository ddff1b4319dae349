/** Follow the newest data, or stay where we are. */

import { switchLive, useView } from "../state/view";

export function LiveSwitch({ growing }: { readonly growing: boolean }) {
  const live = useView((view) => view.live);
  return (
    <button
      type="button"
      role="switch"
      aria-checked={live}
      className={live ? "button live on" : "button live"}
      title={growing ? "Follow the newest data" : "Follow the newest data (none came in the last minutes)"}
      onClick={switchLive}
    >
      <span className="dot" />
      Live
    </button>
  );
}
