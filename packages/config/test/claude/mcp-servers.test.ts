import { describe, expect, it } from 'vitest';
import { readClaudeMcpServers } from '../../src/claude/index.js';
import { setScene } from '../scene.js';
import { setStage } from './real-claude.js';

const server = (command: string, more: object = {}) => ({ command, ...more });

describe('readClaudeMcpServers()', () => {
  it('of one name only the highest scope counts, whole: local > project > user', async () => {
    const scene = setScene();
    const { places } = setStage(scene.root, {
      mcp: { mcpServers: { a: server('project', { args: ['x'] }), b: server('project') } },
      state: (directory) => ({
        mcpServers: {
          a: server('user', { env: { U: '1' } }),
          b: server('user'),
          c: server('user'),
        },
        projects: { [directory]: { mcpServers: { a: server('local') } } },
      }),
    });
    const { servers, problems } = await readClaudeMcpServers(places);
    expect(problems).toEqual([]);
    expect(
      Object.fromEntries([...servers].map(([name, one]) => [name, [one.scope, one.server]])),
    ).toEqual({
      a: ['local', { command: 'local' }],
      b: ['project', { command: 'project', args: undefined }],
      c: ['user', { command: 'user' }],
    });
    expect(servers.get('a')?.shadows.map(({ tier }) => tier)).toEqual(['project', 'user']);
    expect(servers.get('a')?.origin).toMatchObject({
      source: scene.path('own/.claude.json'),
      line: 1,
    });
  });

  it('fills variables as Claude Code does: an unset one without a default stays as written', async () => {
    const scene = setScene();
    const { places, environment } = setStage(scene.root, {
      mcp: {
        mcpServers: { a: server('${TOOL:-tool} ${HOME}', { env: { X: '${NONE}', Y: '$HOME' } }) },
      },
    });
    const { servers } = await readClaudeMcpServers(places);
    expect(servers.get('a')?.server).toEqual({
      command: `tool ${environment['HOME'] ?? ''}`,
      env: { X: '${NONE}', Y: '$HOME' },
    });
  });

  it('a file that is no JSON is a warning with its place, and the others count', async () => {
    const scene = setScene();
    const { places } = setStage(scene.root, {
      state: () => ({ mcpServers: { a: server('user') } }),
    });
    scene.write('project/.mcp.json', '{ "mcpServers": ');
    const { servers, problems } = await readClaudeMcpServers(places);
    expect([...servers.keys()]).toEqual(['a']);
    expect(problems[0]).toMatchObject({ severity: 'warning', line: 1, code: 'ORCH_CONFIG_SYNTAX' });
  });
});
