/** The door: styles, theme, the address, and then the page. */

import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "uplot/dist/uPlot.min.css";
import { finishSignIn } from "./api/auth";
import { queryClient } from "./api/queries";
import { App } from "./App";
import { listenToView } from "./state/asked";
import { listenToPath } from "./state/page";
import { restoreTheme } from "./state/theme";
import { visit } from "./state/useAddress";
import "./styles/index.css";

restoreTheme();
await finishSignIn();
listenToView();
visit(location.search);
listenToPath();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
