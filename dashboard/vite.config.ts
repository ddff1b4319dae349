import { defineConfig } from "vitest/config";
import openapi from "./openapi.json";

const API = "http://127.0.0.1:8000";

/** Where the service answers; the built dashboard is served from the same origin. */
const SERVED = new Set(["/docs", "/openapi.json", ...Object.keys(openapi.paths).map((path) => path.replace(/\/\{.*/, ""))]);

export default defineConfig({
  base: "/",
  // esbuild knows React's automatic JSX by itself: no plugin
  esbuild: { jsx: "automatic" },
  build: {
    target: "es2022",
    rollupOptions: {
      // "use client" means something to server frameworks only
      onwarn: (warning, warn) => {
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
    },
  },
  server: { proxy: Object.fromEntries([...SERVED].map((path) => [path, API])) },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
