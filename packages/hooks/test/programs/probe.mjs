// A hook that says that it was called, and then behaves as asked:
// probe.mjs EVENT allow|block|crash|timeout|garbage|watch LOG
import { appendFileSync, readFileSync } from 'node:fs';

const [event, behaviour, log] = process.argv.slice(2);
const payload = JSON.parse(readFileSync(0, 'utf8'));
appendFileSync(log, `${JSON.stringify({ event, payload })}\n`);
// One that always keeps its agent from stopping would be overruled only after eight rounds.
if (payload.stop_hook_active === true) process.exit(0);
switch (behaviour) {
  case 'block':
    process.stderr.write('said-by-the-probe');
    process.exitCode = 2;
    break;
  case 'crash':
    process.stderr.write('said-by-the-probe');
    process.exitCode = 1;
    break;
  case 'timeout':
    setInterval(() => {}, 1000);
    break;
  case 'garbage':
    process.stdout.write('{said-by-the-probe');
    break;
  case 'watch':
    process.stdout.write(
      JSON.stringify({
        hookSpecificOutput: { hookEventName: event, watchPaths: [`${process.cwd()}/watched.env`] },
      }),
    );
}
