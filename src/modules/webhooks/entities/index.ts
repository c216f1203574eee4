export { WebhookCursor } from './webhook-cursor.entity.js';
export { DELIVERY_STATUSES, WebhookDelivery, type DeliveryStatus } from './webhook-delivery.entity.js';
export { WebhookEndpoint, type DisabledReason } from './webhook-endpoint.entity.js';
