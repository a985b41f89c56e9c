import type { ClientOptions, HttpServerSpec, JsonObject, McpServer } from '../src/index.js';

/** What a scenario has to work with. */
export interface Scene {
  /** Where the suite's server is. */
  readonly url: string;
  /** What the suite tells the client besides, such as credentials. */
  readonly context: JsonObject;
  /** The version of the protocol that the suite speaks. */
  readonly protocolVersion: string;
  /** Connects to the suite's server with the engine of this run. */
  readonly connect: (
    options?: ClientOptions,
    spec?: Partial<Omit<HttpServerSpec, 'type' | 'url'>>,
  ) => Promise<McpServer>;
}

/** What the client has to do in a scenario. A scenario that ends with an error has failed. */
export type Scenario = (scene: Scene) => Promise<void>;

/** By name. Each file in `scenarios` exports some. */
export type Scenarios = Readonly<Record<string, Scenario>>;
