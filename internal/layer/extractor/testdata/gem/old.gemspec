Gem::Specification.new do |s|
  s.name = %q{rack}
  s.rubygems_version = "1.3.0"
  s.name = 'rack'
  s.version = Gem::Version.new('1.4.7')
end
