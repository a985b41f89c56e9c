import type { TurnFiles } from './config-directory.js';
import type { ClaudeTurnRequest } from './request.js';
import { settingSources, turnPolicy } from './settings.js';

/** The arguments of the process: no prompt and no secret is among them. */
export function turnArguments(
  request: ClaudeTurnRequest,
  files: Pick<TurnFiles, 'settings' | 'systemPrompt'>,
  conversation: { readonly session: string; readonly continues: boolean },
): string[] {
  const { project = 'memory' } = request;
  return [
    '-p',
    ...['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'],
    ...['--permission-prompt-tool', 'stdio', '--permission-mode', 'default'],
    ...['--setting-sources', settingSources(project), '--settings', files.settings],
    ...(project === 'trusted'
      ? []
      : ['--strict-mcp-config', '--managed-settings', JSON.stringify(turnPolicy(request))]),
    ...[conversation.continues ? '--resume' : '--session-id', conversation.session],
    ...option('--mcp-config', request.mcpConfigFile),
    ...option('--model', request.model),
    ...option('--effort', request.effort),
    ...option('--tools', request.tools?.join(',')),
    ...option('--append-system-prompt-file', files.systemPrompt),
    ...option('--max-turns', request.maxTurns),
    ...option('--max-budget-usd', request.maxUsd),
    ...option(
      '--json-schema',
      request.outputSchema === undefined ? undefined : JSON.stringify(request.outputSchema),
    ),
    ...(request.addDirectories ?? []).flatMap((directory) => ['--add-dir', directory]),
  ];
}

function option(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [name, String(value)];
}
