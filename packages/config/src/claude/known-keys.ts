// As Claude Code 2.1.330 was seen to take them, key by key.
/** Keys by what their values are. A value of another kind costs the whole file. */
export const flags = words(`
  respectGitignore wslInheritsWindowsSettings includeCoAuthoredBy includeGitInstructions
  disableAllHooks disableReplyCheck prefersReducedMotion autoMemoryEnabled autoDreamEnabled
  showThinkingSummaries verbose autoCompactEnabled precomputeCompactionEnabled idleCompaction
  switchModelsOnFlag autoScrollEnabled wheelScrollAccelerationEnabled fileCheckpointingEnabled
  showTurnDuration showMessageTimestamps terminalProgressBarEnabled todoFeatureEnabled
  inputNeededNotifEnabled agentPushNotifEnabled voiceEnabled workflowKeywordTriggerEnabled
  bashEditDiffEnabled respondToBashCommands allowAllClaudeAiMcps
  allowClaudeInChromeWithManagedMcp allowNestedModelAccessUnderForceLogin
  forceRemoteSettingsRefresh spinnerTipsEnabled syntaxHighlightingDisabled
  terminalTitleFromRename alwaysThinkingEnabled fastMode promptSuggestionEnabled
  emojiCompletionEnabled showClearContextOnPlanAccept
`);

/** The same, but null is as if the key were not there. */
export const nullableFlags = words(`
  syncClaudeAiSkills syncClaudeAiPlugins enforceAvailableModels enableAllProjectMcpServers
  disableClaudeAiConnectors disableBundledSkills skipDangerousModePermissionPrompt
  autoContinueAtUsageLimit remoteControlAtStartup isolatePeerMachines autoUploadSessions
  skipAutoPermissionPrompt useAutoModeDuringPlan disableAgentView disableRemoteControl
  disableWorkflows disableArtifact enableArtifact enableWorkflows disableSkillShellExecution
  disableWindowsBashCommandSplit allowManagedHooksOnly allowManagedPermissionRulesOnly
  allowManagedMcpServersOnly disableCommandPluginSources disableSideloadFlags
  skipWebFetchPreflight fastModePerSessionOptIn channelsEnabled
`);

export const texts = words(`
  $schema apiKeyHelper proxyAuthHelper awsCredentialExport gcpAuthRefresh awsAuthRefresh
  processWrapper attributionProject model timeFormat timeZone autoMemoryDirectory claudeMd
  pluginTrustMessage prUrlTemplate forceLoginOrgUUID otelHeadersHelper outputStyle language
  advisorModel agent minimumVersion requiredMinimumVersion requiredMaximumVersion
  plansDirectory
`);

/** One of some words. A value of another kind costs the whole file. */
export const choices: Readonly<Record<string, readonly string[]>> = {
  daemonColdStart: ['transient', 'ask'],
  defaultView: ['chat', 'transcript'],
  workflowSizeGuideline: ['unrestricted', 'small', 'medium', 'large'],
  defaultShell: ['bash', 'powershell'],
  parentSettingsBehavior: ['first-wins', 'merge'],
  managedSourcesBehavior: ['first-wins', 'merge'],
  feedbackDrafts: ['notify', 'quiet', 'off'],
  autoUpdatesChannel: ['latest', 'stable', 'rc'],
  tui: ['default', 'fullscreen'],
};

/** One of some words. Another value costs the key. */
export const lenientChoices: Readonly<Record<string, readonly string[]>> = {
  availableModelsMatch: ['prefix', 'exact'],
  editorMode: ['normal', 'vim'],
  keybindingFlavor: ['classic', 'readline'],
  preferredNotifChannel: [
    'auto',
    'iterm2',
    'terminal_bell',
    'iterm2_with_bell',
    'kitty',
    'ghostty',
    'notifications_disabled',
  ],
  teammateMode: ['auto', 'tmux', 'iterm2', 'in-process'],
  crossSessionInbound: ['accept', 'hold', 'refuse'],
  forceLoginMethod: ['claudeai', 'console', 'gateway'],
  viewMode: ['default', 'verbose', 'focus'],
  promptCacheTtl: ['5m', '1h'],
  subagentPromptCacheTtl: ['5m', '1h'],
  effortLevel: ['low', 'medium', 'high', 'xhigh'],
  maxEffortLevel: ['low', 'medium', 'high', 'xhigh', 'max'],
  askUserQuestionTimeout: ['60s', '5m', '10m', 'never'],
  dialogExpiry: ['60s', '5m', '10m', 'never'],
};

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
