import type { Transport as SdkTransport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { JsonObject } from '../json.js';
import type { Engine, Handshake, HandshakeOptions } from './engine.js';

/** The official SDK, loaded when the first server is started: it takes longer to load than all of this package. */
const load = async () => {
  const [{ Client }, types] = await Promise.all([
    import('@modelcontextprotocol/sdk/client/index.js'),
    import('@modelcontextprotocol/sdk/types.js'),
  ]);
  const schemas = {
    'roots/list': types.ListRootsRequestSchema,
    'sampling/createMessage': types.CreateMessageRequestSchema,
    'elicitation/create': types.ElicitRequestSchema,
  } as const;
  return { Client, schemas };
};

/** The default engine: the `Client` of `@modelcontextprotocol/sdk`. */
export async function createSdkEngine(): Promise<Engine> {
  const { Client, schemas } = await load();
  let receive: (message: JSONRPCMessage) => void = () => undefined;
  let close = (): Promise<void> => Promise.resolve();
  return {
    async handshake({
      clientInfo,
      answers,
      timeoutMs,
      send,
    }: HandshakeOptions): Promise<Handshake> {
      const client = new Client(clientInfo, { capabilities: answers.capabilities });
      for (const [method, schema] of Object.entries(schemas))
        if (answers.methods.includes(method))
          client.setRequestHandler(
            schema as (typeof schemas)['roots/list'],
            async ({ params }, { signal }) =>
              (await answers.answer(method, (params ?? {}) as JsonObject, signal)) as {
                roots: never[];
              },
          );
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
