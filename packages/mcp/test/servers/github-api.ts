import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request of the REST interface, as it came. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** A stand-in for GitHub's REST interface on loopback: one repository `sea/ship` that really changes. */
export interface GithubApi {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** The content of a file at the tip of a branch. */
  file(branch: string, path: string): string | undefined;
  close(): Promise<void>;
}

type Body = Readonly<Record<string, unknown>>;
interface Commit {
  readonly sha: string;
  readonly message: string;
  readonly files: ReadonlyMap<string, string>;
  readonly parents: readonly string[];
}

const at = '2026-11-01T12:00:00Z';
const site = 'https://github.test';
const author = { name: 'Ada', email: 'ada@example.com', date: at };
const person = (login: string) => ({
  ...{ login, id: login.length, node_id: login, type: 'User' },
  ...{ avatar_url: `${site}/${login}.png`, url: `${site}/${login}`, html_url: `${site}/${login}` },
});
const repository = (owner: string, name: string, more: Body = {}) => ({
  ...{ id: 1, node_id: 'r', name, full_name: `${owner}/${name}`, private: false, fork: false },
  ...{ owner: person(owner), html_url: `${site}/${owner}/${name}`, description: null, url: site },
  ...{ created_at: at, updated_at: at, pushed_at: at, default_branch: 'main' },
  ...{ git_url: site, ssh_url: site, clone_url: site },
  ...more,
});
const ship = repository('sea', 'ship');

class Refusal extends Error {
  readonly status: number;
  constructor(status: number) {
    super(String(status));
    this.status = status;
  }
}

export async function startGithubApi(token: string): Promise<GithubApi> {
  const asked: Asked[] = [];
  const commits = new Map<string, Commit>();
  const trees = new Map<string, ReadonlyMap<string, string>>();
  const branches = new Map<string, string>();
  const issues: Record<string, unknown>[] = [];
  const pulls: Record<string, unknown>[] = [];
  const remarks: Body[] = [];
  const comments: Body[] = [];
  const reviews: Body[] = [];
  let count = 0;
  const nextSha = (): string => (count += 1).toString(16).padStart(40, '0');
  const known = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Refusal(404);
    return value;
  };
  const text = (value: unknown): string =>
    typeof value === 'string' ? value : JSON.stringify(value);

  function commit(message: string, files: ReadonlyMap<string, string>, parents: string[]): Commit {
    const made = { sha: nextSha(), message, files, parents };
    commits.set(made.sha, made);
    return made;
  }
  branches.set('main', commit('first', new Map([['README.md', '# Ship\n']]), []).sha);

  const tip = (branch: string): Commit => known(commits.get(known(branches.get(branch))));
  const reference = (branch: string) => ({
    ...{ ref: `refs/heads/${branch}`, node_id: branch, url: site },
    object: { sha: known(branches.get(branch)), type: 'commit', url: site },
  });
  const told = ({ sha, message, parents }: Commit) => ({
    ...{ sha, node_id: sha, url: site, html_url: site, author, committer: author, message },
    tree: { sha: `t${sha}`, url: site },
    parents: parents.map((one) => ({ sha: one, url: site, html_url: site })),
  });
  const side = (branch: string) => ({
    ...{ label: `sea:${branch}`, ref: branch, sha: tip(branch).sha },
    ...{ user: person('sea'), repo: ship },
  });
  const fileOf = (path: string, content: string) => ({
    ...{ type: 'file', name: path, path, sha: `b${content.length}`, size: content.length },
    ...{ url: site, html_url: site, git_url: site, download_url: site, encoding: 'base64' },
    content: Buffer.from(content).toString('base64'),
    _links: { self: site, git: site, html: site },
  });
  const numbered = (list: readonly Body[], number: string | undefined): Record<string, unknown> =>
    known(list.find((one) => one['number'] === Number(number)));
  const under = (list: readonly Body[], number: string | undefined): readonly Body[] =>
    list.filter((one) => one['under'] === Number(number));
  const found = (items: readonly unknown[]) => ({
    ...{ total_count: items.length, incomplete_results: false, items },
  });

  type Route = (part: readonly string[], body: Body, query: URLSearchParams) => unknown;
  const routes: Readonly<Record<string, Route>> = {
    'GET /search/repositories': (_p, _b, query) =>
      found('sea/ship'.includes(query.get('q') ?? '-') ? [ship] : []),
    'GET /search/code': (_p, _b, query) =>
      found(
        [...tip('main').files]
          .filter(([, content]) => content.includes(query.get('q') ?? '-'))
          .map(([path]) => ({ path, repository: ship })),
      ),
    'GET /search/issues': (_p, _b, query) =>
      found(issues.filter(({ title }) => text(title).includes(query.get('q') ?? '-'))),
    'GET /search/users': (_p, _b, query) => found([person(query.get('q') ?? '')]),
    'POST /user/repos': (_p, body) =>
      repository('ada', text(body['name']), { description: body['description'] ?? null }),
    'POST /repos/sea/ship/forks': (_p, _b, query) =>
      repository(query.get('organization') ?? 'ada', 'ship', {
        ...{ fork: true, parent: ship, source: ship },
      }),
    'GET /repos/sea/ship/git/refs/heads/:': ([branch = '']) => reference(branch),
    'POST /repos/sea/ship/git/refs'(_p, { ref, sha }) {
      const branch = text(ref).replace('refs/heads/', '');
      branches.set(branch, known(commits.get(text(sha))).sha);
      return reference(branch);
    },
    'PATCH /repos/sea/ship/git/refs/heads/:'([branch = ''], { sha }) {
      branches.set(branch, known(commits.get(text(sha))).sha);
      return reference(branch);
    },
    'POST /repos/sea/ship/git/trees'(_p, { tree, base_tree: base }) {
      const files = new Map(known(commits.get(text(base))).files);
      const given = tree as readonly {
        path: string;
        mode: '100644';
        type: 'blob';
        content: string;
      }[];
      for (const { path, content } of given) files.set(path, content);
      const sha = nextSha();
      trees.set(sha, files);
      const entries = given.map(({ path, mode, type }) => ({ path, mode, type, sha, url: site }));
      return { sha, url: site, tree: entries, truncated: false };
    },
    'POST /repos/sea/ship/git/commits': (_p, { message, tree, parents }) =>
      told(commit(text(message), known(trees.get(text(tree))), parents as string[])),
    'GET /repos/sea/ship/commits'(_p, _b, query) {
      const list: Commit[] = [];
      const from = query.get('sha');
      let one: Commit | undefined = from === null ? tip('main') : tip(from);
      while (one !== undefined) {
        list.push(one);
        one = commits.get(one.parents[0] ?? '');
      }
      return list.map((each) => ({ sha: each.sha, commit: { message: each.message, author } }));
    },
    'GET /repos/sea/ship/contents/:'([path = ''], _b, query) {
      return fileOf(path, known(tip(query.get('ref') ?? 'main').files.get(path)));
    },
    'PUT /repos/sea/ship/contents/:'([path = ''], { message, content, branch, sha }) {
      const before = tip(text(branch));
      const old = before.files.get(path);
      if (sha !== (old === undefined ? undefined : fileOf(path, old).sha)) throw new Refusal(409);
      const plain = Buffer.from(text(content), 'base64').toString();
      const made = commit(text(message), new Map(before.files).set(path, plain), [before.sha]);
      branches.set(text(branch), made.sha);
      return { content: fileOf(path, plain), commit: told(made) };
    },
    'GET /repos/sea/ship/issues': (_p, _b, query) =>
      issues.filter(({ state }) => state === (query.get('state') ?? 'open')),
    'POST /repos/sea/ship/issues'(_p, body) {
      issues.push({ number: issues.length + 1, state: 'open', ...body });
      return issues.at(-1);
    },
    'GET /repos/sea/ship/issues/:': ([number]) => numbered(issues, number),
    'PATCH /repos/sea/ship/issues/:': ([number], body) =>
      Object.assign(numbered(issues, number), body),
    'POST /repos/sea/ship/issues/:/comments'([number], { body }) {
      remarks.push({ id: remarks.length + 1, under: numbered(issues, number)['number'], body });
      return remarks.at(-1);
    },
    'GET /repos/sea/ship/pulls': (_p, _b, query) =>
      pulls.filter(({ state }) => state === (query.get('state') ?? 'open')),
    'POST /repos/sea/ship/pulls'(_p, { title, body = null, head, base }) {
      pulls.push({
        ...{
          number: pulls.length + 1,
          id: 1,
          node_id: 'p',
          state: 'open',
          locked: false,
          title,
          body,
        },
        ...{ url: site, html_url: site, diff_url: site, patch_url: site, issue_url: site },
        ...{
          user: person('ada'),
          assignee: null,
          assignees: [],
          requested_reviewers: [],
          labels: [],
        },
        ...{
          created_at: at,
          updated_at: at,
          closed_at: null,
          merged_at: null,
          merge_commit_sha: null,
        },
        ...{ head: side(text(head)), base: side(text(base)) },
      });
      return pulls.at(-1);
    },
    'GET /repos/sea/ship/pulls/:': ([number]) => numbered(pulls, number),
    'GET /repos/sea/ship/pulls/:/files'([number]) {
      const { head, base } = numbered(pulls, number) as Record<'head' | 'base', { ref: string }>;
      const before = tip(base.ref).files;
      return [...tip(head.ref).files]
        .filter(([path, content]) => before.get(path) !== content)
        .map(([filename, content]) => ({
          ...{
            sha: `b${content.length}`,
            filename,
            status: before.has(filename) ? 'modified' : 'added',
          },
          ...{
            additions: 1,
            deletions: 0,
            changes: 1,
            blob_url: site,
            raw_url: site,
            contents_url: site,
          },
        }));
    },
    'GET /repos/sea/ship/commits/:/status': ([sha = '']) => ({
      ...{ state: 'success', sha: known(commits.get(sha)).sha, total_count: 1 },
      statuses: [
        ...[{ url: site, state: 'success', description: 'sails', target_url: null, context: 'ci' }],
      ].map((one) => ({ ...one, created_at: at, updated_at: at })),
    }),
    'POST /repos/sea/ship/pulls/:/reviews'([number], { body, event, comments: lines = [] }) {
      const pull = numbered(pulls, number);
      const { sha } = pull['head'] as { sha: string };
      const states = {
        APPROVE: 'APPROVED',
        REQUEST_CHANGES: 'CHANGES_REQUESTED',
        COMMENT: 'COMMENTED',
      };
      const common = {
        user: person('ada'),
        html_url: site,
        pull_request_url: site,
        commit_id: sha,
      };
      const role = { under: pull['number'], author_association: 'OWNER', node_id: 'v' };
      const id = reviews.length + 1;
      const state = states[event as keyof typeof states];
      reviews.push({ id, body, state, submitted_at: at, ...common, ...role });
      for (const line of lines as readonly { path: string; body: string }[])
        comments.push({
          ...{ id: comments.length + 1, url: site, pull_request_review_id: id, diff_hunk: '@@' },
          ...{
            position: 1,
            original_position: 1,
            original_commit_id: sha,
            ...line,
            ...common,
            ...role,
          },
          ...{ created_at: at, updated_at: at },
          _links: { self: { href: site }, html: { href: site }, pull_request: { href: site } },
        });
      return reviews.at(-1);
    },
    'GET /repos/sea/ship/pulls/:/reviews': ([number]) => under(reviews, number),
    'GET /repos/sea/ship/pulls/:/comments': ([number]) => under(comments, number),
    'PUT /repos/sea/ship/pulls/:/update-branch': ([number], body) => {
      const { head } = numbered(pulls, number) as Record<'head', { sha: string }>;
      if (body['expected_head_sha'] !== head.sha) throw new Refusal(422);
      return { message: 'Updating' };
    },
    'PUT /repos/sea/ship/pulls/:/merge'([number], { commit_title: title }) {
      const pull = numbered(pulls, number);
      const { head, base } = pull as Record<'head' | 'base', { ref: string }>;
      const [from, to] = [tip(head.ref), tip(base.ref)];
      const made = commit(text(title), from.files, [to.sha, from.sha]);
      branches.set(base.ref, made.sha);
      Object.assign(pull, { state: 'closed', merged_at: at, merge_commit_sha: made.sha });
      return { sha: made.sha, merged: true };
    },
  };
  const compiled = Object.entries(routes).map(([route, answer]) => {
    const [method, path = ''] = route.split(' ');
    return { method, pattern: new RegExp(`^${path.replaceAll(':', '([^/]+)')}$`), answer };
  });

  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { method = '', url = '' } = request;
      const { authorization } = request.headers;
      const given = body === '' ? undefined : (JSON.parse(body) as Body);
      asked.push({ method, path: url, authorization, body: given });
      const { pathname, searchParams } = new URL(url, site);
      let status = 200;
      let answer: unknown;
      try {
        if (authorization !== `Bearer ${token}`) throw new Refusal(401);
        const route = compiled.find((one) => one.method === method && one.pattern.test(pathname));
        const parts = known(route).pattern.exec(pathname)?.slice(1).map(decodeURIComponent) ?? [];
        answer = known(route).answer(parts, given ?? {}, searchParams);
      } catch (error) {
        status = error instanceof Refusal ? error.status : 500;
        answer = { message: String(error) };
      }
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    file: (branch, path) => tip(branch).files.get(path),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
