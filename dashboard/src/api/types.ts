/** The service's shapes under the names that the dashboard uses. */

export interface Vehicle {
  vehicle_id: string;
  first_seen: string;
  last_seen: string;
  frame_count: number;
}

export interface Session {
  date: string;
  start_time: string;
  end_time: string;
  sample_count: number;
}

export interface Message {
  message_name: string;
  sample_count: number;
}

export interface Signal {
  signal_name: string;
  unit: string;
  min_value: number | null;
  max_value: number | null;
  avg_value: number | null;
}

export interface Stats {
  count: number;
  min: number | null;
  max: number | null;
  mean: number | null;
  std: number | null;
}

export interface Point {
  t: number;
  v: number | null;
}

export interface SeriesData {
  name: string;
  unit: string;
  data: Point[];
  message_name?: string | null;
  downsampled?: boolean | null;
  source_points?: number | null;
  resolution_ms?: number | null;
  method?: string | null;
  gaps?: [number, number][] | null;
  stats?: Stats | null;
}

export interface QueryStats {
  rows_scanned: number;
  bytes_scanned: number;
  duration_ms: number;
}

export interface QueryResponse {
  signals: SeriesData[];
  query_stats: QueryStats;
}

export interface Health {
  status: string;
  version: string;
  mode: string;
}
