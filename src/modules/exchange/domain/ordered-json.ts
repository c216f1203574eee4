/** The order of the fields in a file: what a thing is and is called first, long content last. Fields that are not here follow by their names. */
const FIELDS = (
  'format version ref type name campaign steps segments templates stepType stepName description campaignType category segmentRef includeExisting ' +
  'trigger reentry goal keepEnrolling exitOnSegmentLeave exitOnReply fromEmail fromName replyToEmail providerAccount startDate endDate timezone ' +
  'sendStrategy startInContactZone sendWindow sendRatePerMinute rampPlan frequencyCap pauseThresholds trackOpens trackClicks unsubscribeEnabled ' +
  'unknownPolicy property attribute operator value unit policy cooldown filter day messages percent perDays from to weekdays date offset timeOfDay ' +
  'weight templateRef subjectLine contentFormat emailContent content abTest variants waitDuration waitUntil waitEvent conditionRules splitConfig ' +
  'actionConfig branches rules nextRef elseNextRef trueNextRef falseNextRef'
).split(' ');
const PLACES = new Map(FIELDS.map((field, place) => [field, place]));

/** The same value with its fields in the order of the file; undefined ones are left out. However it was stored, it is written alike. */
export function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(fields.sort(([a], [b]) => compare(a, b)).map(([name, part]) => [name, ordered(part)]));
}

function compare(a: string, b: string): number {
  const places = [a, b].map((name) => PLACES.get(name) ?? FIELDS.length);
  return places[0] - places[1] || (a < b ? -1 : 1);
}
