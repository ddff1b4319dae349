/** Small line drawings for buttons; the button itself carries the words. */

const PATHS = {
  back: "M9 5 4 10l5 5M4 10h9a5 5 0 0 1 5 5v1",
  forward: "m11 5 5 5-5 5M16 10H7a5 5 0 0 0-5 5v1",
  left: "m12 4-6 6 6 6",
  right: "m8 4 6 6-6 6",
  down: "m5 8 5 5 5-5",
  in: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4Zm3.6 8.6L17 17M9 7v4M7 9h4",
  out: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4Zm3.6 8.6L17 17M7 9h4",
  fit: "M3 7V4a1 1 0 0 1 1-1h3M13 3h3a1 1 0 0 1 1 1v3M17 13v3a1 1 0 0 1-1 1h-3M7 17H4a1 1 0 0 1-1-1v-3",
  close: "m5 5 10 10M15 5 5 15",
  search: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4Zm3.6 8.6L17 17",
  image: "M3 5a1 1 0 0 1 1-1h12a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1Zm0 8 4-4 4 4 2-2 4 4",
  table: "M3 5a1 1 0 0 1 1-1h12a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1ZM3 8h14M3 12h14M9 8v8",
  download: "M10 3v9m-4-4 4 4 4-4M4 16h12",
  link: "M8 12l4-4M9 6l2-2a3.5 3.5 0 0 1 5 5l-2 2M11 14l-2 2a3.5 3.5 0 0 1-5-5l2-2",
  moon: "M16 12A7 7 0 0 1 8 4a7 7 0 1 0 8 8Z",
  sun: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  keys: "M3 6a1 1 0 0 1 1-1h12a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1ZM6 8h.01M9 8h.01M12 8h.01M14.5 8h.01M6 12h8",
  measure: "M3 4v12M17 4v12M6 10h8M8 8l-2 2 2 2M12 8l2 2-2 2",
  docs: "M5 3h7l4 4v10H5ZM12 3v4h4M8 11h5M8 14h5",
  warning: "M10 3 2 17h16ZM10 8v4M10 14.5h.01",
  star: "m10 3 2.1 4.5 4.9.6-3.6 3.4.9 4.9-4.3-2.4-4.3 2.4.9-4.9L3 8.1l4.9-.6Z",
  fleet: "M3 13V8l2-3h8l2 3 2 1v4M3 13h14M6 15.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3ZM14 15.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Z",
  sliders: "M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4",
  menu: "M3 5h14M3 10h14M3 15h14",
  person: "M10 10a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4ZM4 17a6 6 0 0 1 12 0",
  leave: "M8 4H4v12h4M8 10h8m-3-3 3 3-3 3",
  wave: "M2 11h3l2.5-6 3.5 10 3-7 1.5 3H18",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
