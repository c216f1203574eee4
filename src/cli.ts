import { commands } from './app/cli/commands.js';
import { runCommand } from './app/cli/run-command.js';

process.exit(await runCommand(commands, process.argv.slice(2)));
