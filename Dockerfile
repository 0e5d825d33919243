FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
RUN useradd --system --create-home desk && mkdir -p /var/lib/desk && chown desk /var/lib/desk
USER desk
