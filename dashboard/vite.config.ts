import { defineConfig } from "vitest/config";

const API = "http://127.0.0.1:8000";

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
  server: {
    // everything that is not ours is the service's: the built dashboard is served from the same origin
    proxy: Object.fromEntries(
      ["/vehicles", "/health", "/docs", "/openapi.json", "/metrics"].map((path) => [path, API]),
    ),
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
