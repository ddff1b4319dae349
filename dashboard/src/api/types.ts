/** The service's shapes under the names that the dashboard uses; the shapes themselves come from its OpenAPI document. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type AuthConfig = Schemas["AuthConfig"];
export type DayHealth = Schemas["DayHealthModel"];
export type EventData = Schemas["EventModel"];
export type EventsResponse = Schemas["EventsResponse"];
export type FleetHealth = Schemas["FleetHealthResponse"];
export type Health = Schemas["Health"];
export type HealthDetails = Schemas["HealthDetailsResponse"];
export type Message = Schemas["MessageModel"];
export type QueryRequest = Schemas["QueryRequest"];
export type QueryResponse = Schemas["ColumnsResponse"];
export type QueryStats = Schemas["QueryStatsModel"];
export type SeriesData = Schemas["SignalColumnsModel"];
export type Session = Schemas["SessionModel"];
export type Signal = Schemas["SignalModel"];
export type SignalStats = Schemas["SignalStatsModel"];
export type StatsRequest = Schemas["StatsRequest"];
export type StatsResponse = Schemas["StatsResponse"];
export type Vehicle = Schemas["VehicleModel"];
export type VehicleHealth = Schemas["VehicleHealthModel"];
