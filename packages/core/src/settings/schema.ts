import * as z from 'zod';

/** The settings of orch: `settings.yaml` of a user, `orch.settings.yaml` of a project, and so on. */
export const settingsSchema = z.strictObject({
  parallel: z
    .union([z.int().min(1), z.literal('auto')])
    .optional()
    .describe('How many attempts run at once, where neither the plan nor -p says.'),
  environment: z
    .strictObject({
      pass: z
        .array(z.string())
        .optional()
        .describe('Names of variables that agents, commands and gates get beside the usual ones.'),
      deny: z
        .array(z.string())
        .optional()
        .describe('Names of variables that nobody gets, whatever else says so.'),
    })
    .optional()
    .describe('What agents, commands and gates see of your environment.'),
  claude: z
    .strictObject({
      executable: z
        .string()
        .optional()
        .describe('The claude to start; ORCH_CLAUDE goes before it.'),
      keyHelper: z
        .array(z.string())
        .min(1)
        .optional()
        .describe('A program and its arguments that print an API key, where no key is set.'),
    })
    .optional()
    .describe('How Claude Code is started.'),
  hooks: z
    .record(z.string(), z.array(z.unknown()))
    .optional()
    .describe("Hooks by event, in Claude Code's form; `orch hooks list` says what of them runs."),
  hookPolicy: z
    .strictObject({
      shell: z
        .array(z.string())
        .optional()
        .describe('Shell lines that hooks may be, to the letter.'),
      hosts: z
        .array(z.string())
        .optional()
        .describe('Hosts beside loopback that hooks may post to.'),
    })
    .optional()
    .describe('What hooks may do beyond starting programs.'),
});

export type OrchSettings = z.infer<typeof settingsSchema>;
