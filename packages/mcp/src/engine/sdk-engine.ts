import type { Transport as SdkTransport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { JsonObject } from '../json.js';
import type { Engine, Handshake, HandshakeOptions } from './engine.js';

/** The official SDK, loaded when the first server is started: it takes longer to load than all of this package. */
const load = async () => {
  const [{ Client }, { ListRootsRequestSchema }] = await Promise.all([
    import('@modelcontextprotocol/sdk/client/index.js'),
    import('@modelcontextprotocol/sdk/types.js'),
  ]);
  return { Client, ListRootsRequestSchema };
};

/** The default engine: the `Client` of `@modelcontextprotocol/sdk`. */
export async function createSdkEngine(): Promise<Engine> {
  const { Client, ListRootsRequestSchema } = await load();
  let receive: (message: JSONRPCMessage) => void = () => undefined;
  let close = (): Promise<void> => Promise.resolve();
  return {
    async handshake({ clientInfo, roots, timeoutMs, send }: HandshakeOptions): Promise<Handshake> {
      const capabilities = roots.length === 0 ? {} : { roots: {} };
      const client = new Client(clientInfo, { capabilities });
      if (roots.length > 0)
        client.setRequestHandler(ListRootsRequestSchema, () => ({
          roots: roots.map((uri) => ({ uri })),
        }));
      let protocolVersion = '';
      const link: SdkTransport = {
        start: () => Promise.resolve(),
        send: (message) => send(message as unknown as JsonObject),
        close() {
          link.onclose?.();
          return Promise.resolve();
        },
        setProtocolVersion(version) {
          protocolVersion = version;
        },
      };
      receive = (message) => link.onmessage?.(message);
      close = () => client.close();
      await client.connect(link, { timeout: timeoutMs });
      const { name = '', version = '', title } = client.getServerVersion() ?? {};
      const instructions = client.getInstructions();
      return {
        protocolVersion,
        serverInfo: { name, version, ...(title !== undefined && { title }) },
        capabilities: (client.getServerCapabilities() ?? {}) as JsonObject,
        ...(instructions !== undefined && { instructions }),
      };
    },
    receive: (message) => receive(message as unknown as JSONRPCMessage),
    close: () => close(),
  };
}
