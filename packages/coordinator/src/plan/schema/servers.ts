import * as z from 'zod';
import { listOf } from './words.js';

const expectedName = 'the name of an MCP server: letters, digits, - and single _ between them';
const server = z
  .string({ error: expectedName })
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]|_(?=[A-Za-z0-9-]))*$/, { error: expectedName });

const expectedTool = 'the name of a tool, in which * stands for any characters';
const tools = listOf(z.string({ error: expectedTool }).regex(/^\S+$/, { error: expectedTool }));

const narrowed = z.strictObject(
  { allow: tools.optional(), deny: tools.optional() },
  { error: 'allow: and deny: with names of tools' },
);

/** MCP servers that an agent is handed. A plan names them and can narrow them; it never defines one. */
export const servers = z
  .union([listOf(server), z.record(server, z.union([narrowed, z.null()]))])
  .optional()
  .meta({
    description:
      'MCP servers by their configured names, and memory; { NAME: { allow, deny } } narrows to some tools. The nearest counts; [] for none.',
  });

export type ServersDocument = z.output<typeof servers>;
