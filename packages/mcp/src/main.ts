#!/usr/bin/env node
import { processHost, runMcp } from './cli/index.js';

process.exitCode = await runMcp(process.argv.slice(2), processHost('orch-mcp'));
