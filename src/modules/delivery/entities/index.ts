export { Email } from './email.entity.js';
