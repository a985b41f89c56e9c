import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { connect, type JsonObject } from '../../src/index.js';
import { fillIn, presets, resolveNpx } from '../../src/config/index.js';
import { programs, startWitness } from '../scene.js';
import { startGithubApi } from './github-api.js';
import { caller, environment, installed } from './installed.js';

const token = 'fake-personal-access-token';
const redirect = pathToFileURL(join(programs, 'redirect-github.mjs')).href;

/** The preset, started directly, with its one address turned to the stand-in. */
function github(url: string, given: string, env: Readonly<Record<string, string>> = {}) {
  const filled = fillIn(presets.githubNpm(), { GITHUB_PERSONAL_ACCESS_TOKEN: given });
  const { spec, isDirect } = resolveNpx(filled, { cwd: import.meta.dirname });
  if (!isDirect || !('command' in spec)) throw new Error('It is not installed.');
  expect(spec.args).toEqual([installed('github')]);
  const more = { NODE_OPTIONS: `--import=${redirect}`, STAND_IN: url };
  return { ...spec, env: { ...spec.env, ...more, ...env } };
}

test("GitHub's server of npm: all 26 tools, and what each asks of the REST interface", async ({
  onTestFinished,
}) => {
  const api = await startGithubApi(token);
  onTestFinished(() => api.close());
  const witness = startWitness();
  const server = await connect(github(api.url, token, witness.env), { environment });
  onTestFinished(() => server.close());
  const { call, expectAllCalled } = caller(server);
  const at = { owner: 'sea', repo: 'ship' };
  const repos = '/repos/sea/ship';

  /** Calls a tool, and holds what it asked (method, path, body) against what it should have asked. */
  async function ask(
    tool: string,
    args: JsonObject,
    ...requests: readonly (readonly [method: string, path: string, body?: unknown])[]
  ): Promise<unknown> {
    const before = api.asked.length;
    const { text } = await call(tool, args);
    const seen = api.asked.slice(before);
    expect(seen.map(({ method, path, body }) => [method, path, ...(body ? [body] : [])])).toEqual(
      requests,
    );
    for (const { authorization } of seen) expect(authorization).toBe(`Bearer ${token}`);
    return JSON.parse(text) as unknown;
  }

  // Repositories, branches, files.
  expect(
    await ask('search_repositories', { query: 'ship', perPage: 5 }, [
      'GET',
      '/search/repositories?q=ship&page=1&per_page=5',
    ]),
  ).toMatchObject({ total_count: 1 });
  const made = { name: 'boat', description: 'Small', private: true, autoInit: true };
  expect(await ask('create_repository', made, ['POST', '/user/repos', made])).toMatchObject({
    full_name: 'ada/boat',
  });
  expect(
    await ask('fork_repository', { ...at, organization: 'bay' }, [
      'POST',
      `${repos}/forks?organization=bay`,
    ]),
  ).toMatchObject({ full_name: 'bay/ship', fork: true });
  const first = '1'.padStart(40, '0');
  await ask(
    'create_branch',
    { ...at, branch: 'sails', from_branch: 'main' },
    ['GET', `${repos}/git/refs/heads/main`],
    ['POST', `${repos}/git/refs`, { ref: 'refs/heads/sails', sha: first }],
  );
  expect(
    await ask('get_file_contents', { ...at, path: 'README.md', branch: 'sails' }, [
      'GET',
      `${repos}/contents/README.md?ref=sails`,
    ]),
  ).toMatchObject({ content: '# Ship\n' });
  const write = { message: 'name it', branch: 'sails' };
  await ask(
    'create_or_update_file',
    { ...at, path: 'README.md', content: '# Schiff ✂\n', ...write },
    ['GET', `${repos}/contents/README.md?ref=sails`],
    [
      'PUT',
      `${repos}/contents/README.md`,
      { ...write, content: Buffer.from('# Schiff ✂\n').toString('base64'), sha: 'b7' },
    ],
  );
  expect(api.file('sails', 'README.md')).toBe('# Schiff ✂\n');
  expect(api.file('main', 'README.md')).toBe('# Ship\n');
  const files = [
    { path: 'a.txt', content: 'anchor' },
    { path: 'b.txt', content: 'buoy' },
  ];
  const [second, tree, third] = [2, 3, 4].map((n) => String(n).padStart(40, '0'));
  await ask(
    'push_files',
    { ...at, branch: 'sails', files, message: 'two' },
    ['GET', `${repos}/git/refs/heads/sails`],
    [
      'POST',
      `${repos}/git/trees`,
      { tree: files.map((one) => ({ ...one, mode: '100644', type: 'blob' })), base_tree: second },
    ],
    ['POST', `${repos}/git/commits`, { message: 'two', tree, parents: [second] }],
    ['PATCH', `${repos}/git/refs/heads/sails`, { sha: third, force: true }],
  );
  expect(api.file('sails', 'b.txt')).toBe('buoy');
  const list = { ...at, sha: 'sails', page: 1, perPage: 10 };
  expect(
    await ask('list_commits', list, ['GET', `${repos}/commits?page=1&per_page=10&sha=sails`]),
  ).toMatchObject([
    { commit: { message: 'two' } },
    { commit: { message: 'name it' } },
    { commit: { message: 'first' } },
  ]);

  // Issues.
  const issue = { title: 'It leaks', body: 'Aft.', labels: ['bug'] };
  await ask('create_issue', { ...at, ...issue }, ['POST', `${repos}/issues`, issue]);
  expect(
    await ask('list_issues', { ...at, state: 'open', labels: ['bug', 'wet'], sort: 'created' }, [
      'GET',
      `${repos}/issues?labels=bug%2Cwet&sort=created&state=open`,
    ]),
  ).toMatchObject([{ number: 1, title: 'It leaks' }]);
  const one = { ...at, issue_number: 1 };
  await ask('add_issue_comment', { ...one, body: 'Still.' }, [
    'POST',
    `${repos}/issues/1/comments`,
    { body: 'Still.' },
  ]);
  await ask('update_issue', { ...one, state: 'closed' }, [
    'PATCH',
    `${repos}/issues/1`,
    { state: 'closed' },
  ]);
  expect(await ask('get_issue', one, ['GET', `${repos}/issues/1`])).toMatchObject({
    ...issue,
    state: 'closed',
  });

  // Searches.
  expect(
    await ask('search_code', { q: '# Ship' }, ['GET', '/search/code?q=%23+Ship']),
  ).toMatchObject({ total_count: 1, items: [{ path: 'README.md' }] });
  expect(
    await ask('search_issues', { q: 'leaks', order: 'asc' }, [
      'GET',
      '/search/issues?q=leaks&order=asc',
    ]),
  ).toMatchObject({ items: [{ number: 1 }] });
  expect(await ask('search_users', { q: 'ada' }, ['GET', '/search/users?q=ada'])).toMatchObject({
    items: [{ login: 'ada' }],
  });

  // Pull requests.
  const pull = { title: 'Sails', body: 'White.', head: 'sails', base: 'main', draft: false };
  await ask('create_pull_request', { ...at, ...pull }, ['POST', `${repos}/pulls`, pull]);
  const it = { ...at, pull_number: 1 };
  expect(await ask('get_pull_request', it, ['GET', `${repos}/pulls/1`])).toMatchObject({
    title: 'Sails',
    head: { sha: third },
  });
  expect(
    await ask('list_pull_requests', { ...at, state: 'open', per_page: 5 }, [
      'GET',
      `${repos}/pulls?state=open&per_page=5`,
    ]),
  ).toMatchObject([{ number: 1 }]);
  expect(await ask('get_pull_request_files', it, ['GET', `${repos}/pulls/1/files`])).toMatchObject([
    { filename: 'README.md', status: 'modified' },
    { filename: 'a.txt', status: 'added' },
    { filename: 'b.txt', status: 'added' },
  ]);
  expect(
    await ask(
      'get_pull_request_status',
      it,
      ['GET', `${repos}/pulls/1`],
      ['GET', `${repos}/commits/${third}/status`],
    ),
  ).toMatchObject({ state: 'success' });
  const review = {
    body: 'Taut.',
    event: 'APPROVE',
    comments: [{ path: 'a.txt', line: 1, body: 'Heavy.' }],
  };
  await ask('create_pull_request_review', { ...it, ...review }, [
    'POST',
    `${repos}/pulls/1/reviews`,
    review,
  ]);
  expect(
    await ask('get_pull_request_reviews', it, ['GET', `${repos}/pulls/1/reviews`]),
  ).toMatchObject([{ body: 'Taut.', state: 'APPROVED' }]);
  expect(
    await ask('get_pull_request_comments', it, ['GET', `${repos}/pulls/1/comments`]),
  ).toMatchObject([{ body: 'Heavy.', path: 'a.txt' }]);
  await ask('update_pull_request_branch', { ...it, expected_head_sha: third ?? '' }, [
    'PUT',
    `${repos}/pulls/1/update-branch`,
    { expected_head_sha: third },
  ]);
  const merge = { commit_title: 'Set sail', merge_method: 'squash' };
  expect(
    await ask('merge_pull_request', { ...it, ...merge }, ['PUT', `${repos}/pulls/1/merge`, merge]),
  ).toMatchObject({ merged: true });
  expect(api.file('main', 'a.txt')).toBe('anchor');
  await expectAllCalled(26);

  await server.close();
  expect(witness.alive()).toEqual([]);
});

test("GitHub's server of npm with a token that is refused: the token is in no error", async ({
  onTestFinished,
}) => {
  const api = await startGithubApi(token);
  onTestFinished(() => api.close());
  const wrong = 'fake-token-of-another';
  const server = await connect(github(api.url, wrong), { environment });
  onTestFinished(() => server.close());
  const args = { owner: 'sea', repo: 'ship', issue_number: 1 };
  const outcome: unknown = await server.call('get_issue', args).catch((error: unknown) => error);
  expect(JSON.stringify([String(outcome), outcome])).not.toContain(wrong);
  expect(api.asked).toMatchObject([{ authorization: `Bearer ${wrong}` }]);
});
