import { expandVariables } from '../config/expand.js';
import { presets, type ServerEntry } from '../config/presets.js';
import type { ServerPlan } from '../registry/index.js';
import { UsageError } from './report.js';

interface Preset {
  /** What it takes, for whoever gave something else. */
  readonly takes: string;
  readonly least: number;
  readonly most: number;
  readonly entry: (words: readonly string[]) => ServerEntry;
}

const plain = (entry: () => ServerEntry): Preset => ({
  ...{ takes: 'nothing', least: 0, most: 0 },
  entry: () => entry(),
});

/** By the name that it has on the command line. */
const known: Readonly<Record<string, Preset>> = {
  filesystem: {
    ...{ takes: 'DIRECTORY…', least: 1, most: Infinity },
    entry: (directories) => presets.filesystem(directories),
  },
  memory: {
    ...{ takes: 'FILE or nothing', least: 0, most: 1 },
    entry: ([file]) => presets.memory(file === undefined ? {} : { file }),
  },
  'sequential-thinking': plain(presets.sequentialThinking),
  everything: plain(presets.everything),
  github: plain(() => presets.github()),
  'github-npm': plain(presets.githubNpm),
  serena: {
    ...{ takes: 'PROJECT', least: 1, most: 1 },
    entry: ([project = '']) => presets.serena({ project }),
  },
  cclsp: {
    ...{ takes: 'CONFIG', least: 1, most: 1 },
    entry: ([config = '']) => presets.cclsp({ config }),
  },
};

/** A preset with what stands after `--`, as it is written into the file, and the variables that it needs. */
export function presetPlan(name: string, words: readonly string[]): ServerPlan {
  const preset = Object.hasOwn(known, name) ? known[name] : undefined;
  if (preset === undefined)
    throw new UsageError(
      `There is no preset ${JSON.stringify(name)}. There are: ${Object.keys(known).join(', ')}`,
    );
  const { least, most, takes, entry } = preset;
  if (words.length < least || words.length > most)
    throw new UsageError(`The preset ${name} takes ${takes} after --`);
  const made = entry(words);
  // Without the user's own words: what stands in them is none of the preset's needs.
  const { unset } = expandVariables(JSON.stringify(entry(words.map(() => ''))), {});
  return {
    spec: 'url' in made ? made : { type: 'stdio', ...made },
    needs: [...new Set(unset)].map((variable) => ({ name: variable, isSecret: true })),
    leftOut: [],
  };
}
