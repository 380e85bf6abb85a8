/** What queries need of tables that others make; after those of core, identity and inventory. */
import type { Migrations } from "../../postgres/migrations/Migrations.ts"
import * as DeviceGraphViews from "./DeviceGraphViews.ts"
import * as QueriesOfTenants from "./QueriesOfTenants.ts"
import * as ResourcesOfAskers from "./ResourcesOfAskers.ts"

export const migrations: Migrations = {
  context: "queries",
  table: "serviceradar_control.query_migrations",
  steps: {
    "0001_queries_of_tenants": { up: QueriesOfTenants.up, down: QueriesOfTenants.down },
    "0002_device_graph": { up: DeviceGraphViews.up, down: DeviceGraphViews.down },
    "0003_resources_of_askers": ResourcesOfAskers.first,
    "0004_edge_packages_of_askers": ResourcesOfAskers.ofEdgePackages,
    "0005_activation_of_edge_packages": ResourcesOfAskers.ofActivation
  }
}
