"""What a deployment costs by vehicle and month: prices and habits are inputs, bytes, requests and seconds are measured."""
