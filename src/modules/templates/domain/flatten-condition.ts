import { isTruthy, toValueSync, type Value } from 'liquidjs';
import { compileOperand, type FastContext, type FastValue } from './flatten.js';

export type Condition = (run: FastContext) => boolean;

/** Liquid's equality: arrays by their items, everything else strictly. */
function equals(left: unknown, right: unknown): boolean {
  if (!Array.isArray(left)) return left === right;
  return Array.isArray(right) && left.length === right.length && left.every((item, index) => equals(item, right[index]));
}

function contains(left: unknown, right: unknown): boolean {
  if (Array.isArray(left)) return left.some((item) => equals(item, right));
  return typeof left === 'string' && left.includes(right as string);
}

function truthy(value: unknown): boolean {
  return value !== false && value !== undefined && value !== null;
}

type Operator = (left: unknown, right: unknown) => boolean;

const BINARY: Record<string, Operator> = {
  '==': equals,
  '!=': (left, right) => !equals(left, right),
  '>': (left, right) => (left as number) > (right as number),
  '<': (left, right) => (left as number) < (right as number),
  '>=': (left, right) => (left as number) >= (right as number),
  '<=': (left, right) => (left as number) <= (right as number),
  contains,
  and: (left, right) => truthy(left) && truthy(right),
  or: (left, right) => truthy(left) || truthy(right),
};

/** The condition of an `if`, evaluated here where it consists of paths, literals and operators, else by LiquidJS. */
export function compileCondition(value: Value, locals: ReadonlySet<string>): Condition {
  const fast = value.filters.length === 0 ? compileExpression(value, locals) : null;
  if (fast) return (run) => truthy(fast(run));
  return (run) => isTruthy(toValueSync(value.value(run.context(), false)), run.context());
}

function compileExpression(value: Value, locals: ReadonlySet<string>): FastValue | null {
  const stack: FastValue[] = [];
  for (const token of value.initial.postfix) {
    const name = (token as { operator?: string }).operator;
    if (name === undefined) {
      const operand = compileOperand(token, locals);
      if (!operand) return null;
      stack.push(operand);
    } else if (name === 'not') {
      const operand = stack.pop();
      if (!operand) return null;
      stack.push((run) => !truthy(operand(run)));
    } else {
      const right = stack.pop();
      const left = stack.pop();
      const operator = BINARY[name];
      if (!left || !right || !operator) return null;
      stack.push((run) => operator(left(run), right(run)));
    }
  }
  return stack.length === 1 ? stack[0] : null;
}
