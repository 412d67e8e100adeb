/** Facts that the checks of gateways and external networks record for those of policies. */
import type { PrefixField } from '../../intent/fields.js';

declare module '../../intent/check/context.js' {
  interface Context {
    /** Absent if the list itself was refused: names are then not checked. */
    gateways?: Map<string, GatewayFacts>;
    externals?: Map<string, ExternalFacts>;
    /** The gateway of a tenant, by the tenant's name. */
    gatewayOf?: Map<string, GatewayFacts>;
  }
}

export interface GatewayFacts {
  /** Index in the file's list. */
  index: number;
  name: string;
  tenants: ReadonlySet<string>;
}

export interface ExternalFacts {
  index: number;
  name: string;
  /** Name of the gateway; absent if it was refused. */
  gateway?: string;
  prefixes: PrefixField[];
}
