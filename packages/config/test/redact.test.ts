import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createSettings, formatProblem, type Source } from '../src/index.js';
import { createRedactor, isSecretKey } from '../src/redact.js';
import { setScene } from './scene.js';

/** None of them is real. */
const fakes = {
  anthropic: 'sk-ant-fake03-aaaaaaaaaaaaaaaaaaaa',
  github: 'ghp_fakefakefakefakefakefakefakefake1234',
  pat: 'github_pat_fakefakefakefakefake_fake',
  slack: 'xoxb-fake-1234567890',
  aws: 'AKIAFAKEFAKEFAKEFAKE',
  google: `AIza${'f'.repeat(35)}`,
  jwt: 'eyJmYWtlIjoxfQ.eyJmYWtlIjoyfQ.c2lnbmF0dXJl',
  stripe: 'sk_test_fakefakefake',
  npm: 'npm_fakefakefakefakefakefakefakefakefake',
};

describe('isSecretKey()', () => {
  it.each([
    'apiKey',
    'api_key',
    'ANTHROPIC_API_KEY',
    'GITHUB_TOKEN',
    'Authorization',
    'X-Api-Key',
    'password',
    'dbPassword',
    'secret',
    'clientSecretValue',
    'cookie',
    'key',
    'DSN',
  ])('%s is one', (key) => expect(isSecretKey(key)).toBe(true));
  it.each([
    'keyHelper',
    'apiKeyHelper',
    'maxTokens',
    'tokenizer',
    'monkey',
    'keyboard',
    'author',
    'passthrough',
    '',
  ])('%s is none', (key) => expect(isSecretKey(key)).toBe(false));
});

describe('a redactor', () => {
  it.each(Object.entries(fakes))('knows the look of %s, anywhere in a text', (_name, secret) => {
    const { text } = createRedactor([]);
    for (const shown of [secret, `x ${secret} y`, `"${secret}"`, `a=${secret}\n`, `(${secret})`]) {
      expect(text(shown)).not.toContain(secret.slice(8));
      expect(text(shown)).toContain('[redacted]');
    }
  });

  it('knows the places of secrets in addresses, headers and key blocks', () => {
    const { text } = createRedactor([]);
    const block = '-----BEGIN RSA PRIVATE KEY-----\nZmFrZQ==\n-----END RSA PRIVATE KEY-----';
    for (const shown of [
      'postgres://user:hunter2fake@localhost/db',
      'https://hunter2fake@localhost/',
      'https://localhost/?a=1&token=hunter2fake&b=2',
      'Authorization: Bearer hunter2fake',
      `before ${block.replace('ZmFrZQ==', 'hunter2fake')} after`,
    ]) {
      expect(text(shown)).not.toContain('hunter2fake');
    }
    for (const plain of [
      'https://localhost:8080/a?b=1',
      'me@localhost',
      'a task-list',
      'Basic training',
    ]) {
      expect(text(plain)).toBe(plain);
    }
  });

  it('replaces known values as they are, in JSON, in addresses, longest first; short ones stay', () => {
    const { text } = createRedactor(['opaque "value"/1', 'opaque', 'abc']);
    expect(text('<opaque "value"/1>')).toBe('<[redacted]>');
    expect(text(JSON.stringify({ a: 'opaque "value"/1' }))).toBe('{"a":"[redacted]"}');
    expect(text(`?q=${encodeURIComponent('opaque "value"/1')}`)).toBe('?q=[redacted]');
    expect(text('abc')).toBe('abc');
  });
});

describe('settings never show a secret', () => {
  const secret = 'plain-looking-hunter2';
  const schema = z.strictObject({
    apiKey: z.string().max(3),
    mode: z.enum(['a', 'b']),
    headers: z.record(z.string(), z.string()).optional(),
    copy: z.string().optional(),
    url: z.string().optional(),
    env: z.record(z.string(), z.string()).optional(),
    n: z.number().optional(),
  });
  const secrets = [secret, 'environment-hunter3', ...Object.values(fakes)];
  const load = async (settings: object, file = 'yaml', bare = false) => {
    const text = typeof settings === 'string' ? settings : JSON.stringify(settings, undefined, 1);
    const sources: Source[] = [{ tier: 'user', file: setScene().write(`s.${file}`, text) }];
    const environment = { SOME_TOKEN: 'environment-hunter3', OTHER: 'open' };
    return createSettings({ sources, environment, ...(bare ? {} : { schema }) }).load();
  };
  const everythingShown = (loaded: Awaited<ReturnType<typeof load>>): string => {
    const paths = loaded.leaves().map(({ path }) => path);
    return [
      JSON.stringify([loaded.leaves(), loaded.problems]),
      loaded.problems.map(formatProblem).join('\n'),
      JSON.stringify(
        [
          'apiKey',
          'headers',
          'env',
          'mode',
          ...paths.filter((one) => !one.includes('redacted')),
        ].map((path) => loaded.explain(path)),
      ),
      (() => {
        try {
          loaded.require();
          return '';
        } catch (error) {
          return inspect(error, { depth: 20 });
        }
      })(),
    ].join('\n');
  };

  it('in leaves, explanations, problems and errors, by key and by value', async () => {
    const loaded = await load({
      apiKey: secret,
      mode: fakes.github,
      headers: { Authorization: `Custom ${secret}`, plain: 'open' },
      // The same value where no key says that it is secret.
      copy: `x ${secret} y`,
      url: `https://me:${secret}@localhost`,
      env: { A: fakes.anthropic, B: fakes.jwt, C: '${SOME_TOKEN}' },
      [fakes.slack]: 1,
      n: fakes.aws,
    });
    expect(loaded.problems).toHaveLength(4);
    const shown = `${everythingShown(loaded)} ${loaded.redact(secrets.join(' '))}`;
    for (const one of secrets) expect(shown).not.toContain(one);
    expect(shown).toContain('[redacted]');
    expect(shown).toContain('open');
  });

  it('and the witness sees them where nothing redacts', async () => {
    const loaded = await load({ apiKey: secret, copy: fakes.github }, 'yaml', true);
    expect(JSON.stringify(loaded.merged)).toContain(secret);
    expect(JSON.stringify(loaded.merged)).toContain(fakes.github);
  });

  it.each([
    ['json', `{ "apiKey": "${secret}" "x": ${secret} }`],
    ['json', `{ "apiKey": ${secret} }`],
    ['json', secret],
    ['yaml', `apiKey: "${secret}" ${secret}\n`],
    ['yaml', `apiKey: *${secret}\n`],
    ['yaml', `apiKey: !${secret} x\n`],
    ['yaml', `apiKey: ${secret}\n  ${secret}: ${secret}: x\n`],
    ['yaml', `%${secret}\n---\na: 1\n`],
    ['yaml', `a: "\\${secret}"\n`],
    ['toml', `apiKey = ${secret}\n`],
    ['toml', `apiKey = "${secret}" ${secret}\n`],
    ['toml', `[${secret}\n`],
    ['toml', `a = "\\${secret}"\n`],
  ])('nor in what is wrong with the syntax of %s %j', async (format, text) => {
    const loaded = await load(text as never, format);
    expect(loaded.problems).not.toEqual([]);
    expect(everythingShown(loaded)).not.toContain(secret);
  });
});
