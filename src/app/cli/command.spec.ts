import { type Command, UsageError, parseOptions, usageOf } from './command.js';

const command: Command = {
  name: 'thing:do',
  summary: 'Do the thing',
  options: { name: { description: 'its name', isRequired: true }, size: { description: 'how big' } },
  run: async () => undefined,
};

describe('command lines', () => {
  it('give the options they name', () => {
    expect(parseOptions(command, ['--name', 'A b', '--size=3'])).toEqual({ name: 'A b', size: '3' });
    expect(parseOptions(command, ['--name=x']).size).toBeUndefined();
  });

  it.each([[[]], [['--name', '']], [['--name', ' ']], [['--name']], [['--nmae', 'x']], [['--name', 'x', 'surplus']]])(
    'are refused when they are wrong, before anything is done: %j',
    (args) => expect(() => parseOptions(command, args)).toThrow(UsageError),
  );

  it('are explained with every command and every option', () => {
    expect(usageOf([command])).toContain('thing:do  Do the thing');
    expect(usageOf([command], command)).toMatch(/--name …\s+\[--size …\][^]*--name\s+its name[^]*--size\s+how big/);
  });
});
