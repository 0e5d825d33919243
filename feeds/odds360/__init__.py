"""SportMicro and Odds360 (000): matches and odds of one sport by REST, WebSocket and SSE."""
