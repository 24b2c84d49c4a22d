"""What a rotation is: its data, its rules and its states. Knows no AWS, no Amazon and no clock."""
