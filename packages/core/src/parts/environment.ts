type Environment = Readonly<Record<string, string | undefined>>;

/** What agents, commands, setup and gates get of the user's environment; nothing else. */
const passed = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
] as const;

/** The allowlisted part of an environment, and every `LC_*`; settings add names and forbid them. */
export function passedEnvironment(
  environment: Environment,
  settings: {
    readonly pass?: readonly string[] | undefined;
    readonly deny?: readonly string[] | undefined;
  } = {},
): Record<string, string> {
  const { pass = [], deny = [] } = settings;
  const local = Object.keys(environment).filter((name) => name.startsWith('LC_'));
  const names = [...passed, ...local, ...pass].filter((name) => !deny.includes(name));
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Names under which Claude Code takes a credential or another endpoint. Only the agent gets them, never a gate. */
export const claudeCredentialNames = [
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'ANTHROPIC_BASE_URL',
] as const;

/** The provider credentials of an environment, by name. */
export function claudeCredentials(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    claudeCredentialNames.flatMap((name) => {
      const value = environment[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}
