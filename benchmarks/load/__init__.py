"""Open-loop load on a real server: requests arrive at their time, whether or not the ones before are answered."""
